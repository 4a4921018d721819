//! Findings: what is wrong, and how it came about.

use super::log_time::LogTime;
use polter_class::{Class, Severity};
use serde::Serialize;

/// Something that is wrong, with the calls that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The kind of fault.
    pub class: Class,
    /// A fault, or something that did no harm in this log.
    pub severity: Severity,
    /// The process it hurts.
    pub pid: u32,
    /// The fd it is about.
    pub fd: i32,
    /// The epoll instance it is about.
    pub instance: Instance,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// How it came about, in order.
    pub story: Vec<Step>,
    /// Who kept the file alive when it was orphaned.
    pub holders: Vec<KeptBy>,
    /// How many events were reported through it since.
    pub events: u64,
    /// The line at which it was gone again; `None` if it lasted to the end.
    pub ended: Option<u64>,
    /// How to mend it, in one sentence.
    pub fix: String,
    /// How many more of the same kind, process and place were seen.
    pub repeated: u64,
    /// The policies under which this ghost would not have been; empty for other findings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mended_by: Vec<String>,
}

/// An instance, by the descriptor it was made as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The process that made it.
    pub pid: u32,
    /// The fd it had there.
    pub fd: i32,
    /// The line it was made on; `None` if that was before the log began.
    pub line: Option<u64>,
}

/// One call of those that led to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What happened, as a short verb phrase: `registered`, `closed by its owner`.
    pub what: String,
    /// The call, and where it stands in the log.
    pub site: Site,
}

/// A call in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The line, from 1.
    pub line: u64,
    /// When, if the log says it: when the call began on this line, or ended on it.
    #[serde(skip)]
    pub time: Option<LogTime>,
    /// The task that called.
    pub pid: u32,
    /// The call as the log has it, cut if it is long.
    pub text: String,
    /// The stack under it, if the log has one (`strace -k`), innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
}

/// Somebody who keeps a file alive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptBy {
    /// An fd of a process's table.
    Fd {
        /// The process that has it.
        pid: u32,
        /// Its fd there.
        fd: i32,
    },
    /// The descriptor of a thread that has a table of its own, in the process that closed the fd.
    Thread {
        /// The thread that has it.
        tid: u32,
        /// Its fd there.
        fd: i32,
    },
    /// A message not yet received.
    InFlight,
    /// The fixed files of an io_uring.
    Ring,
    /// Somebody the log does not show.
    Unknown,
}
