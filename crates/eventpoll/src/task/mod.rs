//! Tasks: processes and threads, how they begin, become another program and end; signals; kcmp(2).

mod exec;
mod exit;
mod kcmp;
mod process;
mod signal;

/// Processes, their threads, and who is numbered what.
pub(crate) use process::{Life, Numbered, Process, Task};
/// Signals, as far as they wake, interrupt or kill.
pub(crate) use signal::{Interruption, SIGCHLD, SIGKILL, SIGPIPE, SIGSTOP, Scope, Sighand, bit};
