//! The functions of the program that its threads are in.
//!
//! ```text
//!   /proc/PID/task/TID/syscall ─ sp, ip ─┐
//!                     /proc/PID/mem ─────┴─▶ copy ──▶ named ──▶ UserFrame
//!                     /proc/PID/maps, files ───────────┘
//! ```
//!
//! | file | does |
//! |---|---|
//! | `copy` | copies the stack of a thread that sleeps in a call |
//! | `chosen` | says whose stacks tell something |
//! | `named` | names the frames, when the window is over |

mod chosen;
mod copy;
mod named;

/// How many threads of a process are told of.
pub(crate) use chosen::MOST;
/// A copy of a sleeping thread's stack.
pub(crate) use copy::copy;
/// Names frames.
pub(crate) use named::Namer;
