//! Running processes: their epoll instances, the ghosts in them, and how to remove those.
//!
//! ```text
//!   /proc ─▶ scan ─┐                          ┌─▶ classify ─▶ Report
//!                  ├─▶ Snapshot ─▶ evidence ──┤                 ▲
//!   eBPF ──▶ bpf ──┘                          └─▶ exorcise      └── spin
//! ```
//!
//! | room | holds |
//! |---|---|
//! | `request` | whose instances are asked for, by which way, how much may be kept |
//! | `snapshot` | the data: processes, instances, registrations, evidence; no readers |
//! | `proc` | `/proc`, read one file at a time; its texts, parsed; a tree written down |
//! | `sys` | the calls that no safe crate has: kcmp, a table of one's own |
//! | `scan` | a snapshot by `/proc`: list, read, compare, recheck |
//! | `bpf` | a snapshot by a walk in the kernel |
//! | `evidence` | who waits, sleeps or runs, where only some holders can name the file |
//! | `finding` | the report, as plain values |
//! | `classify` | from a snapshot to a report |
//! | `spin` | what the processes cost, and what else keeps a loop from sleeping |
//! | `exorcise` | removes a ghost without stopping the process |
//!
//! A [`Snapshot`] is a plain value, wherever it came from, and a [`Report`] is made from it alone.
//! This crate knows no policy and prints nothing.
//!
//! ```no_run
//! use polter_scan::{Proc, Report, Scope, Snapshot};
//!
//! let snapshot = Snapshot::take(&Proc::live(), &Scope::All)?;
//! for finding in Report::of(&snapshot).findings {
//!     // Names are the processes' own and may hold anything.
//!     println!("{:?} {} {}", finding.comm, finding.class.name(), finding.summary);
//! }
//! # Ok::<(), polter_scan::ScanError>(())
//! ```
//!
//! # For test suites
//!
//! [`assert_no_ghosts`] at the end of a test fails it if the test left a ghost in its
//! own process; [`assert_no_ghosts_in`] looks at another, such as a child.
//!
//! ```
//! # if polter_scan::ghosts_in(std::process::id()).is_ok() {
//! // … what the test does with its event loop …
//! polter_scan::assert_no_ghosts();
//! # }
//! ```
#![deny(unsafe_code)]

mod assert;
#[cfg(feature = "bpf")]
mod bpf;
mod classify;
mod error;
mod evidence;
mod exorcise;
mod finding;
mod parallel;
mod proc;
mod request;
mod scan;
mod snapshot;
mod spin;
mod sys;
mod take;

pub use assert::{assert_no_ghosts, assert_no_ghosts_in, ghosts_in};
pub use error::ScanError;
pub use evidence::ThreadLook;
pub use exorcise::{KnownGhost, Options, Outcome, Plan, Queue, Removal, Remover, Step, exorcise};
pub use finding::{Busy, Class, Finding, Load, Report, Severity, Spin};
pub use proc::{Captured, Proc, capture, fdinfo, stat};
pub use request::{Choice, Limits, Scope};
pub use snapshot::{
    By, Effort, Evidence, FileKey, Held, How, InTable, Instance, Kind, Meaning, Name, OpenFd,
    Origin, Process, Registration, Snapshot, Source, Sureness, Unseen, Use, Why,
};
pub use snapshot::{Counters, Threads};
pub use sys::{FileCopy, TcpProgress, hurry};
pub use take::Scanner;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
