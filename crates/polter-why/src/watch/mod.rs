//! Watches processes for a window: threads and files are looked at, calls are counted by the kernel where that is allowed.
//!
//! | file | watches |
//! |---|---|
//! | `window` | all of them together, for the same window |
//! | `threads` | what each thread does, and for how long |
//! | `files` | whether each open file is ready, and whether anybody serves it |
//! | `others` | who has the other end of a file, and who else has the file |
//! | `net` | the internet sockets of the process's network, by their addresses |
//! | `unix` | the peer of a unix socket |
//!
//! Nothing here stops a process, and no call is made in its place: a file is asked by a copy of its fd, which is closed at
//! once.

mod files;
mod net;
mod others;
mod threads;
mod unix;
mod window;

/// Watches processes for a window.
pub(crate) use window::{Watched, watch};
