//! What programs say and hear: calls, events, errors, and which Linux and which policy answers.

mod errno;
mod events;
mod policy;
pub mod syscall;
mod version;

pub use errno::Errno;
pub use events::{EpollEvent, EventList, Events, PollFd};
pub use policy::{Dies, EPIOCADOPT, Inherited, Key, Policy, UnknownPolicy};
/// What only some calls take.
pub(crate) use syscall::{
    Buffer, EpollParams, Fcntl, Ioctl, Kcmp, PathKind, Piece, SigAction, SigMask, SigSet,
    TimerSpec, UserTimespec, flags,
};
pub use syscall::{Out, Outcome, Return, Syscall};
pub use version::{UnknownVersion, Version};
