//! Names for the things a kernel owns. All are `Copy` and mean nothing
//! outside the [`Kernel`](crate::Kernel) that gave them.

use std::fmt;
use std::num::NonZeroU32;

/// A file descriptor: a number that means something in one table only.
///
/// Negative numbers are valid values of the type, as they are valid
/// arguments of a system call; they name nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fd(pub i32);

/// A process or thread number, as `getpid(2)` and `fork(2)` give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

impl fmt::Display for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Tid {
    /// A small dense number, reused once the task is gone: for tables of one's own.
    pub fn slot(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl FileId {
    /// A small dense number, reused once the file is gone: for tables of one's own.
    pub fn slot(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl EpitemId {
    /// A small dense number, reused once the epitem is gone: for tables of one's own.
    pub fn slot(self) -> usize {
        self.0.get() as usize - 1
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $visibility:vis $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name(NonZeroU32);

        impl super::arena::Id for $name {
            fn from_index(index: u32) -> Self {
                $name(NonZeroU32::new(index + 1).expect("an arena holds fewer than 2^32 things"))
            }
            fn index(self) -> u32 {
                self.0.get() - 1
            }
        }
    )*};
}

ids! {
    /// A task: one thread of one process. Linux: `struct task_struct`.
    pub Tid;
    /// A process: the threads that die together. Linux: `struct signal_struct`.
    pub(crate) ProcessId;
    /// A descriptor table. Linux: `struct files_struct`.
    pub TableId;
    /// An open file description. Linux: `struct file`.
    pub FileId;
    /// An epoll instance. Linux: `struct eventpoll`.
    pub EpollId;
    /// One registration. Linux: `struct epitem`.
    pub EpitemId;
    /// The ring buffer that both ends of a pipe share. Linux: `struct pipe_inode_info`.
    pub(crate) PipeId;
    /// One end of a socket pair. Linux: `struct unix_sock`.
    pub(crate) SocketId;
    /// A signal-handler block, shared by the threads of a process. Linux: `struct sighand_struct`.
    pub(crate) SighandId;
    /// A wait queue. Linux: `struct wait_queue_head`.
    pub(crate) QueueId;
    /// A waiter's place on a wait queue. Linux: `struct wait_queue_entry`.
    pub(crate) WaitId;
    /// A device with its buffers.
    pub(crate) DeviceId;
    /// A device's shared object: a buffer with its fences. Linux: `struct dma_buf`.
    pub(crate) BufferId;
}
