//! Evidence: whose is a registration that one process can name, and an elder cannot?
//!
//! ```text
//!   process 100: 3 ── instance ── registration of 4 ── file     the instance knows no owner
//!   process 101: 3 ──────┘                      4 ──────┘
//!
//!   made by 100 and closed there   a ghost of 100      101 does not wait on the instance
//!   made by 101                    live                101 waits on it, now and then
//! ```
//!
//! | file | answers |
//! |---|---|
//! | `split` | which holders can name the file, and which elders cannot |
//! | `gather` | what was observed, registration by registration |
//! | `watch` | who waits, sleeps or runs over a window |
//! | `process`, `file` | one process, one file, looked at many times |
//! | `call`, `memory` | what a thread sleeps in, and whether that is a wait on the instance |
//! | `origin` | whether the file came with a copy of the table |
//! | `weigh` | what follows from all that, in words |
//!
//! Only such registrations are watched, and there are hardly ever any.

mod call;
mod file;
mod gather;
mod memory;
mod origin;
mod process;
mod split;
mod watch;
mod weigh;

/// What a thread was doing at one look.
pub use call::ThreadLook;
/// How long is watched unless the caller says otherwise.
pub(crate) use gather::WINDOW;
/// The holders, in two parts.
pub(crate) use split::Split;
/// What follows from the evidence, and the kernel's share that tells a loop of calls.
pub(crate) use weigh::{IN_KERNEL, Weighed};
