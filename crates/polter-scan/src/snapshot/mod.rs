//! The data: every process, instance and registration that a scan saw.
//!
//! ```text
//!   Snapshot ── processes ── Process ── open: fd, target, kind, key
//!            └─ instances ── Instance ─┬ names          every (pid, fd) that names it
//!                                      └ registrations ─┬ tables    what the fd means in each table
//!                                                       ├ held_by   who has the file open
//!                                                       └ evidence  who waits, sleeps or runs
//! ```
//!
//! These are plain values: nothing here reads `/proc` or calls the kernel, and nothing judges.
//! The readers (`scan`, `bpf`, `evidence`) depend on this room, and it depends on none of them.
//! Names and targets belong to the processes and may hold anything: whoever prints them escapes
//! them.

mod counters;
mod evidence;
mod instance;
mod machine;
mod occurrence;
mod process;
mod source;

/// Counters of a process's threads, to compare two moments.
pub use counters::{Counters, Threads};
pub(crate) use counters::{busiest, has_slept};
/// Observations about a registration that only some holders can name.
pub use evidence::{Evidence, How, Origin, Sureness, Use};
/// An epoll instance, its registrations, and what a registration's fd means in each table.
pub use instance::{Held, InTable, Instance, Meaning, Name, Registration};
/// The whole snapshot, and its gaps.
pub use machine::{Effort, Snapshot, Unseen, Why};
/// Numbers the registrations of one fd.
pub(crate) use occurrence::Occurrences;
/// A process, its fds, and what kind of file each names.
pub use process::{FileKey, Kind, OpenFd, Process};
/// Where a snapshot comes from.
pub use source::{By, Source};
