//! Collects findings and warnings. It is bounded, and counts repetitions instead of keeping them.

use super::steps::{add_frame, name_root};
use crate::verdict::{
    Class, Finding, Gap, Instance, LogSummary, PolicyVerdict, Severity, Step, Verdict, Warning,
};
use eventpoll::Fd;
use rustc_hash::FxHashMap;

/// Most findings kept; all others are only counted.
const MAX_FINDINGS: usize = 1000;

/// Most findings kept of one class, process and instance; others count as repetitions.
const MAX_ALIKE: u64 = 3;

/// Most warnings kept; all others are only counted.
const MAX_WARNINGS: usize = 100;

/// What makes findings alike: class, process, line of the instance, severity.
type Kind = (Class, u32, Option<u64>, Severity);

/// Findings and warnings, as they come up, and the counts of what was read.
#[derive(Debug, Default)]
pub(crate) struct FindingLog {
    pub(crate) summary: LogSummary,
    findings: Vec<Finding>,
    /// The index of a kind's first finding, and how many there were.
    alike: FxHashMap<Kind, (usize, u64)>,
    left_out: u64,
}

impl FindingLog {
    /// Keeps a finding, or counts it as a repetition. Gives its index if it is kept.
    pub(crate) fn add(&mut self, finding: Finding) -> Option<usize> {
        let kind = (
            finding.class,
            finding.pid,
            finding.instance.line,
            finding.severity,
        );
        if let Some((first, count)) = self.alike.get_mut(&kind) {
            *count += 1;
            // A second finding about the same fd is a repetition. Not so for ghosts: each is a registration of its own.
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

    /// Adds to the events of a finding.
    pub(crate) fn count_events(&mut self, at: usize, events: u64) {
        self.findings[at].events += events;
    }

    /// The condition that a finding is about has ended on this line.
    pub(crate) fn end(&mut self, at: usize, line: u64) {
        self.findings[at].ended = Some(line);
    }

    /// Adds a step to a finding that was made already.
    pub(crate) fn add_step(&mut self, at: usize, step: Step) {
        self.findings[at].story.push(step);
    }

    /// Adds a stack frame (`strace -k`) to the newest finding, if it is about this line's call.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        if let Some(finding) = self.findings.last_mut() {
            add_frame(&mut finding.story, line, frame);
        }
    }

    /// The task without a pid turns out to have one: its findings get it.
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

    /// Counts a warning, and keeps it if there is room. The message is only made then.
    pub(crate) fn warn(&mut self, line: u64, column: u64, message: impl FnOnce() -> String) {
        self.summary.warning_count += 1;
        if self.summary.warnings.len() < MAX_WARNINGS {
            self.summary.warnings.push(Warning {
                line,
                column,
                message: message(),
            });
        }
    }

    /// The verdict, with what the log lacks and what the worlds showed.
    pub(crate) fn into_verdict(
        mut self,
        gaps: Vec<Gap>,
        mut policies: Vec<PolicyVerdict>,
    ) -> Verdict {
        // Faults first, then notes; each in the order of the last step.
        self.findings.sort_by_key(|finding| {
            let last = finding.story.last().map_or(0, |step| step.site.line);
            (finding.severity, last)
        });
        for policy in &mut policies {
            policy.verdict = policy.outcome(gaps.is_empty());
        }
        Verdict {
            gaps,
            log: self.summary,
            findings: self.findings,
            findings_left_out: self.left_out,
            policies,
        }
    }
}

/// A finding as most detectors make it: it has no holders, no events, and no end.
#[derive(Debug)]
pub(crate) struct FindingDraft {
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    pub(crate) pid: u32,
    pub(crate) fd: Fd,
    pub(crate) instance: Instance,
    pub(crate) summary: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) fix: &'static str,
}

impl FindingDraft {
    /// The finding, with the fields that have a default.
    pub(crate) fn finding(self) -> Finding {
        Finding {
            class: self.class,
            severity: self.severity,
            pid: self.pid,
            fd: self.fd.0,
            instance: self.instance,
            summary: self.summary,
            story: self.steps,
            holders: Vec::new(),
            events: 0,
            ended: None,
            fix: self.fix.to_string(),
            repeated: 0,
        }
    }
}
