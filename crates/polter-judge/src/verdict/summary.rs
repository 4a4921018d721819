//! The whole verdict, and what was read for it.

use super::finding::Finding;
use super::gap::Gap;
use super::policy::PolicyVerdict;
use polter_trace::{Assembled, EventKind, Problem};
use serde::Serialize;

/// Everything that a log showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Counts of what was read, and warnings.
    pub log: LogSummary,
    /// What the log does not show, though a verdict would need it; empty if it shows all.
    pub gaps: Vec<Gap>,
    /// What is wrong: faults first, then notes, each in the order of the last step.
    pub findings: Vec<Finding>,
    /// Findings beyond the limit, counted and not kept.
    pub findings_left_out: u64,
    /// What each policy would change, Linux's own first.
    pub policies: Vec<PolicyVerdict>,
}

/// Counts of what was read, and warnings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LogSummary {
    /// All lines that were read, blank ones too.
    pub lines: u64,
    /// Lines that are blank, or comments.
    pub blank_lines: u64,
    /// Lines that are not strace's, or are torn.
    pub unread_lines: u64,
    /// polter's own recorder has made it: what the first line says. It may hold no call, if nobody made one.
    #[serde(skip)]
    pub is_recorded: bool,
    /// Calls whose result the log shows, of whatever kind.
    pub calls: u64,
    /// Calls that changed descriptors or used an instance.
    pub followed: u64,
    /// Tasks that the log shows.
    pub tasks: u64,
    /// Instances that the log shows.
    pub instances: u64,
    /// Registrations that the log shows being made.
    pub registrations: u64,
    /// Events that waits reported.
    pub events: u64,
    /// Events that could come from several registrations.
    pub ambiguous_events: u64,
    /// Events of registrations made before the log began, or that it does not show.
    pub unknown_events: u64,
    /// Descriptors, instances and registrations that the log uses without showing where they came from.
    pub assumed: u64,
    /// The first warnings; the others are only counted.
    pub warnings: Vec<Warning>,
    /// All warnings, kept or not.
    pub warning_count: u64,
}

/// A line that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The line's number, from 1.
    pub line: u64,
    /// The column, from 1; 0 if the whole line is meant.
    pub column: u64,
    /// What could not be followed, and what was assumed instead.
    pub message: String,
}

impl LogSummary {
    /// Counts a line that has no call.
    pub(crate) fn count_line(&mut self, line: &Assembled<'_>) {
        let kind = line.event.as_ref().map(|event| &event.kind);
        let problem = line.warning.map(|warning| warning.problem);
        if matches!(kind, Some(EventKind::Comment(_))) {
            self.blank_lines += 1;
        } else if matches!(problem, Some(Problem::Line(_))) {
            self.unread_lines += 1;
        }
    }

    /// How many lines are strace's.
    pub fn read_lines(&self) -> u64 {
        self.lines - self.blank_lines - self.unread_lines
    }

    /// True if so many lines are not strace's that the others are hardly a whole log.
    pub fn is_mostly_foreign(&self) -> bool {
        self.unread_lines * 5 > self.lines - self.blank_lines
    }
}
