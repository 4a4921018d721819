//! What a log does not show.

use serde::Serialize;

/// Something a log does not show, though a verdict would need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What kind of thing.
    pub kind: GapKind,
    /// How often it was noticed.
    pub count: u64,
    /// The line on which it was noticed first; nothing if it is about the whole log.
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
    /// Lines that are not strace's stand between too many.
    Lines,
    /// All calls of epoll.
    Epoll,
    /// Calls that succeeded.
    Successes,
    /// What the children did.
    Children,
    /// Calls that make processes.
    Forks,
    /// Calls that open descriptors.
    Opens,
    /// Calls that close descriptors.
    Closes,
    /// What came before the log began.
    Past,
    /// What an io_uring did.
    Ring,
    /// Calls that make registrations.
    Registrations,
}
