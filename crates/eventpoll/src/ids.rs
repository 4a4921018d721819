//! Names for the things a kernel owns. All are `Copy` and mean nothing
//! outside the [`Kernel`](crate::Kernel) that gave them.

use std::fmt;

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

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// The slot in its arena: small, dense, reused after the thing is gone.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl crate::arena::Id for $name {
            fn from_index(index: u32) -> Self {
                $name(index)
            }
            fn index(self) -> u32 {
                self.0
            }
        }
    )*};
}

ids! {
    /// A task: one thread of one process. Linux: `struct task_struct`.
    Tid;
    /// A process: the threads that die together. Linux: `struct signal_struct`.
    ProcessId;
    /// A descriptor table. Linux: `struct files_struct`.
    TableId;
    /// An open file description. Linux: `struct file`.
    FileId;
    /// An epoll instance. Linux: `struct eventpoll`.
    EpollId;
    /// One registration. Linux: `struct epitem`.
    EpitemId;
    /// The ring buffer that both ends of a pipe share. Linux: `struct pipe_inode_info`.
    PipeId;
    /// One end of a socket pair. Linux: `struct unix_sock`.
    SocketId;
    /// A signal-handler block, shared by the threads of a process. Linux: `struct sighand_struct`.
    SighandId;
    /// A device's shared object: a buffer with its fences. Linux: `struct dma_buf`.
    BufferId;
}
