//! Linux's epoll, with the files, descriptor tables and processes around it, as one value.
//!
//! A [`Kernel`] owns everything: it does no I/O, runs no threads, and has no
//! clock but the one it is told ([`Kernel::advance_to`]). A program's calls go
//! in as [`Syscall`] values, by the task that makes them; what comes out is
//! what Linux answers, or would under another [`Policy`] for the life of
//! registrations.
//!
//! ```
//! use eventpoll::{EpollEvent, Events, Fd, Kernel, Outcome, Pid, Policy, Syscall};
//!
//! let mut kernel = Kernel::new(Policy::LAST_FPUT);
//! let task = kernel.spawn(Pid(100));
//! kernel.call(task, &Syscall::EpollCreate1 { flags: 0 }); // 0
//! kernel.call(task, &Syscall::Eventfd2 { count: 1, flags: 0 }); // 1
//! kernel.call(task, &Syscall::Dup { fd: Fd(1) }); // 2
//! let event = Some(EpollEvent { events: Events::IN, data: 1 });
//! kernel.call(task, &Syscall::EpollCtl { epfd: Fd(0), op: 1, fd: Fd(1), event });
//! kernel.call(task, &Syscall::Close { fd: Fd(1) });
//! let wait = Syscall::EpollWait { epfd: Fd(0), buffer: Default::default(), maxevents: 8, timeout_ms: 0 };
//! let Outcome::Done(Ok(found)) = kernel.call(task, &wait) else { panic!("it answers at once") };
//! assert_eq!(found.value, 1, "closed, and still reported: the dup keeps its file");
//! ```
//!
//! # Where things are
//!
//! | room | what |
//! |---|---|
//! | `abi` | what programs say and hear: [`syscall`], events, errors; the policy and the version that answer |
//! | `store` | arenas, lists, ids, and cheap copies of the whole |
//! | `wait` | wait queues, calls that sleep, poll, the clock |
//! | `task` | processes and threads, exec, exit, signals, kcmp |
//! | `fs` | files, descriptor tables, input and output; `fs::kinds` has the kinds of file |
//! | `epoll` | create, control, wait; registrations, the ready list, nesting, the ways out |
//! | `kernel` | the tables and one method a call; edits from outside; what must hold between calls |
//! | [`stepped`] | calls in steps, for whoever searches their interleavings |
//!
//! # What it leaves out
//!
//! Bytes are counted, not kept. Sockets of the network, terminals and other
//! files are opaque: they live and die, and are never ready. What a stopped
//! process does, and how it goes on, is not modelled. Memory, users and namespaces
//! do not exist; a task may do whatever it asks for.
#![forbid(unsafe_code)]

mod abi;
mod epoll;
mod fs;
pub mod guide;
mod kernel;
pub mod stepped;
mod store;
mod task;
mod wait;

pub use abi::{
    Dies, EPIOCADOPT, EpollEvent, Errno, EventList, Events, Inherited, Key, Out, Outcome, Policy,
    PollFd, Return, Syscall, UnknownPolicy, UnknownVersion, Version, syscall,
};
pub use fs::kinds::CustomFile;
pub use fs::{Holder, NR_OPEN, Opaque};
pub use kernel::{Descriptor, Kernel, Registration, TaskView};
pub use store::{EpitemId, EpollId, Fd, FileId, Pid, TableId, Tid};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
