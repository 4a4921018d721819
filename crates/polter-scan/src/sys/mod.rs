//! The calls to the kernel that no safe crate has, and the only unsafe code outside `bpf`.
//!
//! | file | calls |
//! |---|---|
//! | `kcmp` | `kcmp(2)`: whether two fds name one file |
//! | `copy` | `pidfd_getfd(2)`: another process's file, and whether it is ready |
//! | `file` | questions to an open file: its maker, its bytes |
//! | `file_copy` | a copied file's state, for whoever watches a process |
//! | `apart` | a thread's own descriptor table, and work that outlives its process |
//! | `hurry` | a thread's priority |
//! | `lasting` | a process for such work, again and again |
#![allow(unsafe_code, reason = "this room is the crate's door to the kernel")]

mod apart;
mod copy;
mod file;
mod file_copy;
mod hurry;
mod kcmp;
mod lasting;

/// A removal works in a table of its own, and in a process that a killed polter leaves behind.
pub(crate) use apart::{do_apart, dup_to, take_empty_table};
/// A copy of another process's file, to ask whether it is ready.
pub(crate) use copy::{copy_of, instance_ready, is_ready, ready};
#[cfg(feature = "bpf")]
pub(crate) use file::signalfd;
/// Who made a pair of sockets, and how much is waiting in a file.
pub(crate) use file::{peer_of, unread, unsent};
/// Another process's file, copied for a moment and asked about its state.
pub use file_copy::{FileCopy, TcpProgress};
/// A thread that is served before others.
pub use hurry::hurry;
/// Whether two fds, tables, or an fd and a registration are the same.
pub(crate) use kcmp::{EpollSlot, kcmp_file, kcmp_registration, kcmp_table};
/// The process that removes known ghosts.
pub(crate) use lasting::Lasting;
