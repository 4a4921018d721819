//! Running processes: their epoll instances, the ghosts in them, and how to remove those.
//!
//! ```text
//!   /proc ──▶ Snapshot ──▶ Report      look, compare, tell
//!     │  ├ fdinfo, stat   its texts, parsed: no I/O, bounded
//!     │  ├ proc           one file at a time; who vanishes or refuses is data
//!     │  ├ compare        the kernel asked: one file? (kcmp), counted
//!     │  ├ list           every process with its numbers
//!     │  └ look, holders  instances, what each number means, who keeps a file
//!     ├── bpf             the same, told by the kernel: files known by themselves
//!     │   source          which of the two, and why
//!     ├── capture         a /proc written down, for another day
//!     ├── evidence        whose a registration is that some can name: who waits, what came by fork
//!     └── find            what fits no healthy program
//!         spin            what it costs
//!         unheeded        what else keeps a loop from sleeping
//!         exorcise        a ghost removed, the process not stopped
//! ```
//!
//! A [`Snapshot`] is a plain value, wherever it came from; a [`Report`] is made from
//! it alone. This crate knows no policy and prints nothing.
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
mod capture;
mod compare;
mod error;
mod evidence;
mod exorcise;
pub mod fdinfo;
mod find;
mod finding;
mod holders;
mod list;
mod look;
mod nth;
mod parallel;
mod proc;
mod room;
mod scope;
mod snapshot;
mod source;
mod spin;
pub mod stat;
mod sys;
mod unheeded;

pub use assert::{assert_no_ghosts, assert_no_ghosts_in, ghosts_in};
pub use capture::{Captured, capture};
pub use error::ScanError;
pub use evidence::{Evidence, How, Origin, Sureness, Use};
pub use exorcise::{Options, Outcome, Plan, Step, exorcise};
pub use finding::{Class, Finding, Report, Severity};
pub use proc::Proc;
pub use scope::Scope;
pub use snapshot::{
    Effort, FileKey, Held, InTable, Instance, Kind, Meaning, Name, OpenFd, Process, Registration,
    Snapshot, Unseen, Why,
};
pub use source::{By, Choice, Limits, Source};
pub use spin::{Load, Spin};
pub use unheeded::Busy;
