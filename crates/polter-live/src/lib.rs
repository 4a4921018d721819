//! The running kernel: executes scripts with real processes.
//!
//! An [`Executor`] holds the tasks of one script: real processes and threads
//! of their own, which do nothing but the calls they are told to do, and hold
//! no descriptor but the script's. Numbers come out as the script has them,
//! for descriptors because they are, for processes by a table.
//!
//! ```text
//!   executor    one call: hand over, look, tell       ── the way in
//!   ├ asked     what a call is put as, without making it
//!   ├ request   a typed call as number and arguments  ── and the way back
//!   ├ tasks     the script's numbers and the kernel's
//!   ├ look      what a task is doing, from /proc
//!   ├ keeper    the first process; none outlives it
//!   └ sys       the only unsafe code: raw calls, the shared region, the worker
//! ```
//!
//! Linux on x86-64 and aarch64, with pages of 4 KiB: elsewhere no executor starts, and says so.
#![deny(unsafe_code)]

mod asked;
mod backoff;
mod error;
mod executor;
mod keeper;
mod pin;
mod reply;
mod request;
mod scratch;
mod sys;
mod task_state;
mod tasks;

pub use asked::{Asked, asked};
pub use error::ExecutorError;
pub use executor::Executor;
pub use keeper::Confinement;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
