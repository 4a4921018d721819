//! Errors of a scan itself. A process that vanishes or refuses is data in the snapshot, not an
//! error.

use std::io;
use std::path::PathBuf;

/// Why there is no snapshot, or no removal.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The tree of processes cannot be read.
    #[error("{}: {source}", .path.display())]
    Root {
        /// The directory that was to be read: `/proc`, or a captured tree.
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
    /// The process exists, but may not be read.
    #[error("process {0} may not be looked at")]
    Refused(u32),
    /// There are processes, but none may be read.
    #[error("none of {0} processes may be looked at")]
    AllRefused(u64),
    /// No process is in sight at all.
    #[error("no process is in sight")]
    NoneInSight,
    /// A captured tree is empty, or lacks a file of a process that is needed.
    #[error("{}", not_captured(.0))]
    NotCaptured(Option<u32>),
    /// The kernel walk was asked for, and the kernel cannot walk.
    #[error("no walk in the kernel: {0}")]
    NoWalk(String),
    /// A process was named whose table has none of the instances.
    #[error("process {other} holds no instance of process {pid}")]
    HoldsNone {
        /// The process that holds the instances.
        pid: u32,
        /// The process that holds none of them.
        other: u32,
    },
    /// An assertion could not tell every registration, so it must not pass.
    #[error(
        "{untold} registrations of process {pid} cannot be told from others: is kcmp(2) permitted?"
    )]
    NotTold {
        /// The process whose registrations were asked about.
        pid: u32,
        /// How many registrations could not be told.
        untold: u64,
    },
    /// The kernel refused a call that a removal needs.
    #[error("cannot {doing}: {source}")]
    System {
        /// The purpose of the call.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A captured file cannot be written.
    #[error("{}: cannot write: {source}", .path.display())]
    Write {
        /// The file of the capture, with its directory.
        path: PathBuf,
        /// The kernel's answer.
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
