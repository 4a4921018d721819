//! Makes a report from a snapshot.

use super::case::Case;
use super::{ghosts, sharing};
use crate::finding::{Finding, Report};
use crate::snapshot::{Meaning, Snapshot};

/// Findings kept at most; a server can have a ghost for every connection it ever had.
const MAX_FINDINGS: usize = 10_000;

impl Report {
    /// Finds the faults in a snapshot.
    pub fn of(snapshot: &Snapshot) -> Report {
        let mut report = Report::new(snapshot);
        let mut findings = Vec::new();
        for instance in &snapshot.instances {
            let case = Case { snapshot, instance };
            let mut keep = |finding| report.keep(&mut findings, finding);
            ghosts::find(&case, &mut keep);
            sharing::find(&case, &mut keep);
            report.unknown += instance
                .registrations
                .iter()
                .filter(|it| it.is_somewhere(Meaning::Unknown))
                .count() as u64;
        }
        report.leave_out(&mut findings);
        report.findings = findings;
        report
    }

    /// Keeps a finding. The worst come first only after a sort, so up to twice the limit are held
    /// before the surplus is dropped.
    fn keep(&mut self, findings: &mut Vec<Finding>, finding: Finding) {
        findings.push(finding);
        if findings.len() >= 2 * MAX_FINDINGS {
            self.leave_out(findings);
        }
    }

    /// Drops all but the worst.
    fn leave_out(&mut self, findings: &mut Vec<Finding>) {
        findings.sort_by_key(|finding| (finding.severity, finding.class, finding.pid));
        self.findings_left_out += findings.len().saturating_sub(MAX_FINDINGS) as u64;
        findings.truncate(MAX_FINDINGS);
    }
}
