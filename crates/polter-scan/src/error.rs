//! What can go wrong with a scan itself; what a process refuses is no error.

use std::io;
use std::path::PathBuf;

/// Why there is no snapshot, or no removal.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The tree of processes cannot be read.
    #[error("{}: {source}", .path.display())]
    Root {
        /// Where it is.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// There is no such process.
    #[error("there is no process {0}")]
    NoSuchProcess(u32),
    /// No process has this name.
    #[error("no process is called {0}")]
    NoSuchName(String),
    /// The process is there, and not for us to look at.
    #[error("process {0} may not be looked at")]
    Refused(u32),
    /// There are processes, and none is for us to look at.
    #[error("none of {0} processes may be looked at")]
    AllRefused(u64),
    /// There is no process at all to look at.
    #[error("no process is in sight")]
    NoneInSight,
    /// A captured tree has nothing in it, or not all that is needed of a process.
    #[error("{}", not_captured(.0))]
    NotCaptured(Option<u32>),
    /// The kernel walk was asked for, and there can be none.
    #[error("no walk in the kernel: {0}")]
    NoWalk(String),
    /// A process's table was asked about, and it has none of the instances.
    #[error("process {other} holds no instance of process {pid}")]
    HoldsNone {
        /// Whose instances.
        pid: u32,
        /// Who has none of them.
        other: u32,
    },
    /// An assertion that would not have seen what it is about.
    #[error(
        "{untold} registrations of process {pid} cannot be told from others: is kcmp(2) permitted?"
    )]
    NotTold {
        /// Whose.
        pid: u32,
        /// How many.
        untold: u64,
    },
    /// The kernel refused something that is needed for the work itself.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was to be done.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A captured file cannot be written.
    #[error("{}: cannot write: {source}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn not_captured(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) => {
            format!("process {pid} was not captured whole: it has no stat that can be read")
        }
        None => "no process was captured there".to_owned(),
    }
}
