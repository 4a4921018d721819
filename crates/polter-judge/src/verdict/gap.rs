//! What a log does not show.

use serde::Serialize;

/// Something a log does not show, though a verdict would need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What is missing, as a kind.
    pub kind: GapKind,
    /// How often it was noticed.
    pub count: u64,
    /// The line on which it was noticed first; `None` if it is about the whole log.
    pub line: Option<u64>,
    /// What is missing, in one sentence.
    pub summary: String,
    /// How to record it, in one sentence.
    pub advice: String,
}

/// What a log may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// The recorder has lost events.
    Lost,
    /// Too many of the log's lines are not strace's.
    Lines,
    /// Every call of epoll is missing.
    Epoll,
    /// Every call that succeeded is missing.
    Successes,
    /// The lines of children and threads are missing.
    Children,
    /// Calls that make processes are missing.
    Forks,
    /// Calls that open descriptors are missing.
    Opens,
    /// Calls that close descriptors are missing.
    Closes,
    /// The log begins in the middle of a program's life.
    Past,
    /// An io_uring did something that no call shows.
    Ring,
    /// Calls that make registrations are missing.
    Registrations,
}
