//! The calls of the processes that are asked about, counted in the kernel.
//!
//! | file | does |
//! |---|---|
//! | `kinds` | which argument of a call is the fd, and what the call does to it |
//! | `count` | loads the program, runs it for the window, reads its tables |
//!
//! The program is `calls.bpf.c`. It changes nothing, and stops nobody: a process under it pays some hundred nanoseconds a
//! call.

#[cfg(feature = "bpf")]
mod count;
mod kinds;

/// Counts calls in the kernel.
#[cfg(feature = "bpf")]
pub(crate) use count::Counter;
/// What a call does to its fd, and its name.
pub(crate) use kinds::{Effect, effect_of, is_wait, name_of, sleeps_on_fd};
