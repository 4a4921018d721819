//! Linux's epoll, with the files, descriptor tables and processes around it, as one value.
#![forbid(unsafe_code)]

mod arena;
mod errno;
mod events;
mod ids;
mod policy;
pub mod syscall;

pub use errno::Errno;
pub use events::{EpollEvent, Events, PollFd};
pub use ids::{
    BufferId, EpitemId, EpollId, Fd, FileId, Pid, PipeId, ProcessId, SighandId, SocketId, TableId,
    Tid,
};
pub use policy::{Dies, EPIOCADOPT, Inherited, Key, Policy, UnknownPolicy};
pub use syscall::{Outcome, Syscall};
