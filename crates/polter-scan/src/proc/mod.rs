//! `/proc`, read one file at a time.
//!
//! | file | reads |
//! |---|---|
//! | `tree` | the tree itself: who is there, and one process's files |
//! | `fds` | the fds of a process, and the files they name |
//! | `fdinfo`, `stat` | the texts, parsed: no I/O, bounded |
//! | `counters` | the counters of a process's threads |
//! | `file` | opening and reading, and why that can fail |
//! | `capture` | writes a tree down, for another machine |
//!
//! A process that vanishes or refuses is an answer ([`Why`](crate::Why)), not an error. Nothing
//! here waits for the processes: files are opened without following links out of the tree, and
//! inodes are read without asking their file systems.

mod capture;
mod counters;
pub mod fdinfo;
mod fds;
mod file;
pub mod stat;
mod tree;

/// Writes a tree down.
pub use capture::{Captured, capture};
/// The fds of one process.
pub(crate) use fds::Fds;
/// The tree of processes.
pub use tree::Proc;
/// An fdinfo file that is read more than once, and whether processes are out of sight.
pub(crate) use tree::{InfoText, is_contained};
