//! Linux's epoll, with the files, descriptor tables and processes around it, as one value.
#![forbid(unsafe_code)]

mod arena;
mod blocking;
mod clock;
mod custom;
mod descriptors;
mod device;
mod epoll;
mod errno;
mod eventfd;
mod events;
mod fd_table;
mod file;
mod ids;
mod invariants;
mod io;
mod kcmp;
mod kernel;
mod list;
mod pidfd;
mod pipe;
mod policy;
mod poll;
mod process;
mod ring;
mod signal;
pub mod syscall;
mod timerfd;
mod unix;
mod version;
mod wait_queue;
mod world;

pub use custom::CustomFile;
pub use errno::Errno;
pub use events::{EpollEvent, Events, PollFd};
pub use fd_table::{Holder, NR_OPEN};
pub use file::Opaque;
pub use ids::{EpitemId, EpollId, Fd, FileId, Pid, TableId, Tid};
pub use kernel::Kernel;
pub use policy::{Dies, EPIOCADOPT, Inherited, Key, Policy, UnknownPolicy};
pub use syscall::{Out, Outcome, Return, Syscall};
pub use version::{UnknownVersion, Version};
pub use world::{Descriptor, Registration, TaskView};
