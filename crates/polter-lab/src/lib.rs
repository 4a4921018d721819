//! Real kernels with each policy: a command in a guest.
//!
//! A guest is Linux as an ordinary process (User-Mode Linux, built by
//! `kernels/build`), told its policy on its command line. It sees the host's
//! files and cannot write to them: what it writes is kept in its memory. It has
//! no network but its own loopback.
//!
//! ```text
//!    host                                 guest, one process tree
//!    Guest::run ──── starts ────────────▶ Linux, epoll_lifetime=P
//!        │  job: a file, read once ─────▶ init ─ mounts, lo up
//!        ◀─────── messages on a console ──── │ ───▶ the command
//!    output, how it ended                  └─ powers off
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `kernel` | where the guests' kernel is |
//! | `job` | what a guest is to do |
//! | `guest` | the host's side: one guest, from start to end |
//! | `init` | the guest's side: its first process |
//! | `cpu` | the one that a guest stays on |
//! | `message` | what goes over the console between them |
//! | `loopback` | the one network there is |

mod cpu;
mod error;
mod guest;
mod init;
mod job;
mod kernel;
mod loopback;
mod message;
mod sys;

pub use error::LabError;
pub use guest::{Ending, Guest, active_policy};
pub use init::init;
pub use kernel::LabKernel;
pub use message::Stream;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
