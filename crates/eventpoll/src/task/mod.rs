//! Tasks: processes and threads, how they begin, become another program and end; signals; kcmp(2).

mod exec;
mod exit;
mod kcmp;
mod pending;
mod process;
mod signal;

/// What was sent and not yet taken.
pub(crate) use pending::Pending;
/// Processes, their threads, and who is numbered what.
pub(crate) use process::{Life, Numbered, Process, Task};
/// Signals, as far as they wake, interrupt or kill.
pub(crate) use signal::{Interruption, SIGCHLD, SIGKILL, SIGPIPE, SIGSTOP, Scope, Sighand, bit};
