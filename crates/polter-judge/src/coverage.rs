//! What a log shows of itself: how much of it could be read.

use crate::LogSummary;
use polter_trace::{Assembled, EventKind, Problem};

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
