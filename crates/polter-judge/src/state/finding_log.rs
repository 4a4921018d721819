//! Collects findings and warnings. It is bounded, and counts repetitions instead of keeping them.

use super::steps::{add_frame, name_root};
use crate::verdict::{
    Class, Finding, Gap, Instance, LogSummary, PolicyVerdict, Severity, Step, Verdict, Warning,
};
use eventpoll::Fd;
use rustc_hash::FxHashMap;

/// Findings kept in all.
const MAX_FINDINGS: usize = 1000;

/// Findings of one class, process and instance that are kept; others count as repetitions.
const MAX_ALIKE: u64 = 3;

/// Warnings kept.
const MAX_WARNINGS: usize = 100;

/// What makes findings alike: class, process, line of the instance, severity.
type Kind = (Class, u32, Option<u64>, Severity);

/// Everything there is to say at the end.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) log: LogSummary,
    findings: Vec<Finding>,
    /// The first finding of a kind, and how many there were.
    alike: FxHashMap<Kind, (usize, u64)>,
    left_out: u64,
}

impl Book {
    /// Keeps a finding, or counts it with those it is like; says where it is kept.
    pub(crate) fn find(&mut self, finding: Finding) -> Option<usize> {
        let kind = (
            finding.class,
            finding.pid,
            finding.instance.line,
            finding.severity,
        );
        if let Some((first, count)) = self.alike.get_mut(&kind) {
            *count += 1;
            // The same number again is the same fact again, but for a ghost, which has a life of its own.
            let is_same = self.findings[*first].fd == finding.fd && !finding.class.is_ghost();
            if *count > MAX_ALIKE || is_same {
                self.findings[*first].repeated += 1;
                self.findings[*first].events += finding.events;
                return None;
            }
        }
        if self.findings.len() >= MAX_FINDINGS {
            self.left_out += 1;
            return None;
        }
        let at = self.findings.len();
        self.alike.entry(kind).or_insert((at, 1));
        self.findings.push(finding);
        Some(at)
    }

    /// More events of a finding that is kept.
    pub(crate) fn count_events(&mut self, at: usize, events: u64) {
        self.findings[at].events += events;
    }

    /// What a finding is about is over.
    pub(crate) fn end(&mut self, at: usize, line: u64) {
        self.findings[at].ended = Some(line);
    }

    /// A story goes on after it was found.
    pub(crate) fn add_step(&mut self, at: usize, step: Step) {
        self.findings[at].story.push(step);
    }

    /// A frame of the stack under the call that the newest finding is about.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        if let Some(finding) = self.findings.last_mut() {
            add_frame(&mut finding.story, line, frame);
        }
    }

    /// The nameless task has a number: its findings are that process's.
    pub(crate) fn name_root(&mut self, pid: u32) {
        for finding in &mut self.findings {
            for nameless in [&mut finding.pid, &mut finding.instance.pid] {
                if *nameless == 0 {
                    *nameless = pid;
                }
            }
            name_root(&mut finding.story, pid);
        }
    }

    pub(crate) fn warn(&mut self, line: u64, column: u64, message: impl FnOnce() -> String) {
        self.log.warning_count += 1;
        if self.log.warnings.len() < MAX_WARNINGS {
            self.log.warnings.push(Warning {
                line,
                column,
                message: message(),
            });
        }
    }

    pub(crate) fn into_verdict(
        mut self,
        gaps: Vec<Gap>,
        mut policies: Vec<PolicyVerdict>,
    ) -> Verdict {
        // Faults first, each kind in the order of its last step.
        self.findings.sort_by_key(|finding| {
            let last = finding.story.last().map_or(0, |step| step.site.line);
            (finding.severity, last)
        });
        for policy in &mut policies {
            policy.verdict = policy.outcome(gaps.is_empty());
        }
        Verdict {
            gaps,
            log: self.log,
            findings: self.findings,
            findings_left_out: self.left_out,
            policies,
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a finding")]
pub(crate) fn new_finding(
    class: Class,
    severity: Severity,
    pid: u32,
    fd: Fd,
    instance: Instance,
    summary: String,
    story: Vec<Step>,
    fix: &str,
) -> Finding {
    Finding {
        class,
        severity,
        pid,
        fd: fd.0,
        instance,
        summary,
        story,
        holders: Vec::new(),
        events: 0,
        ended: None,
        fix: fix.to_string(),
        repeated: 0,
    }
}
