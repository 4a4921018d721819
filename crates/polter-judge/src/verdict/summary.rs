//! The whole verdict, and what was read for it.

use super::finding::Finding;
use super::gap::Gap;
use super::policy::PolicyVerdict;
use polter_trace::{Assembled, EventKind, Problem};
use serde::Serialize;

impl LogSummary {
    /// Counts a line that says nothing.
    pub(crate) fn count_line(&mut self, line: &Assembled<'_>) {
        let kind = line.event.as_ref().map(|event| &event.kind);
        let problem = line.warning.map(|warning| warning.problem);
        if matches!(kind, Some(EventKind::Comment(_))) {
            self.blank_lines += 1;
        } else if matches!(problem, Some(Problem::Line(_))) {
            self.unread_lines += 1;
        }
    }

    /// The lines that are strace's.
    pub fn read_lines(&self) -> u64 {
        self.lines - self.blank_lines - self.unread_lines
    }

    /// True if so many lines are not strace's that what is left is not the whole of a log.
    pub fn is_mostly_foreign(&self) -> bool {
        self.unread_lines * 5 > self.lines - self.blank_lines
    }
}

/// The whole of what a log showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was read.
    pub log: LogSummary,
    /// What the log does not show, though a verdict would need it; none if it shows all.
    pub gaps: Vec<Gap>,
    /// What is wrong, in the order it came to light; the worst of a kind first to be kept.
    pub findings: Vec<Finding>,
    /// Findings beyond the limit, counted and not kept.
    pub findings_left_out: u64,
    /// What each policy would change, Linux's own first.
    pub policies: Vec<PolicyVerdict>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LogSummary {
    /// Lines.
    pub lines: u64,
    /// Lines that are blank, or comments.
    pub blank_lines: u64,
    /// Lines that are not strace's, or are torn.
    pub unread_lines: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Calls that changed descriptors or used an instance.
    pub followed: u64,
    /// Tasks seen.
    pub tasks: u64,
    /// Instances seen.
    pub instances: u64,
    /// Registrations made.
    pub registrations: u64,
    /// Events reported.
    pub events: u64,
    /// Events that could come from several registrations.
    pub ambiguous_events: u64,
    /// Events of registrations made before the log began, or that it does not show.
    pub unknown_events: u64,
    /// Descriptors and instances first seen in use, and taken as given.
    pub assumed: u64,
    /// The first warnings.
    pub warnings: Vec<Warning>,
    /// All warnings, kept or not.
    pub warning_count: u64,
}

/// A line that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Its number, from 1.
    pub line: u64,
    /// The column, from 1; 0 if the whole line is meant.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}
