//! A process, its fds, and what kind of file each names.

use serde::Serialize;

/// A process, or a thread that has a descriptor table of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its pid; the tid of such a thread.
    pub pid: u32,
    /// Its parent; the process of such a thread.
    pub ppid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The program it runs; `None` if that may not be read.
    pub exe: Option<String>,
    /// The process it is a thread of, if it is one with a table of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_of: Option<u32>,
    /// When it started, in clock ticks since boot. A pid is reused; pid and start time are not.
    pub start_time: u64,
    /// Where its stack begins: the same after fork, another after exec; 0 if not known.
    #[serde(skip)]
    pub stack: u64,
    /// Its open fds, ascending; empty where the kernel walked, which does not need them.
    #[serde(skip)]
    pub open: Vec<OpenFd>,
}

impl Process {
    /// True if it is known to run another program than `other`, its elder.
    ///
    /// Fork keeps the place of the stack, exec chooses another one. That also tells apart two
    /// runs of the same program, for which `exe` says nothing.
    pub(crate) fn is_another_program(&self, other: &Process) -> bool {
        let is_moved = self.stack != 0 && other.stack != 0 && self.stack != other.stack;
        let is_renamed = matches!((&self.exe, &other.exe), (Some(a), Some(b)) if a != b);
        is_moved || is_renamed
    }

    /// What an fd names here.
    pub fn open_fd(&self, fd: i32) -> Option<&OpenFd> {
        // The kernel gives out the lowest free fd, so an fd mostly stands at its own place.
        let guess = usize::try_from(fd).ok().and_then(|at| self.open.get(at));
        guess.filter(|open| open.fd == fd).or_else(|| {
            let at = self.open.binary_search_by_key(&fd, |open| open.fd);
            Some(&self.open[at.ok()?])
        })
    }
}

/// An fd and the file it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenFd {
    /// The fd.
    pub fd: i32,
    /// The link's target: `socket:[1234]`, a path, or anything; empty if it was not asked for.
    pub target: String,
    /// What kind of file that is.
    pub kind: Kind,
    /// Its inode; `None` if that could not be read.
    pub key: Option<FileKey>,
    /// Whether it is for reading, writing or both (`O_ACCMODE`); known from a capture only.
    #[serde(skip)]
    pub access: Option<u32>,
}

impl OpenFd {
    /// False if a registration waits only for events that this fd cannot have, such as
    /// `EPOLLOUT` on a pipe's reading end.
    pub(crate) fn can_wait_for(&self, events: u32) -> bool {
        let is_for = |bit: libc::c_int| events & bit.cast_unsigned() != 0;
        match self.access.map(u32::cast_signed) {
            Some(libc::O_RDONLY) => is_for(libc::EPOLLIN) || !is_for(libc::EPOLLOUT),
            Some(libc::O_WRONLY) => is_for(libc::EPOLLOUT) || !is_for(libc::EPOLLIN),
            _ => true,
        }
    }
}

/// What kind of file an fd names, read off the link's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A socket: the only kind whose inode is one file's alone.
    Socket,
    /// A pipe: its two ends share an inode.
    Pipe,
    /// `anon_inode:[eventpoll]`: an epoll instance.
    Epoll,
    /// `anon_inode:[eventfd]`; all eventfds share one inode.
    Eventfd,
    /// `anon_inode:[timerfd]`; all timerfds share one inode.
    Timerfd,
    /// `anon_inode:[signalfd]`; all signalfds share one inode.
    Signalfd,
    /// Another file without a path: inotify, io_uring …
    Anonymous,
    /// A file with a path: a FIFO, a terminal, a device.
    Path,
}

impl Kind {
    /// The kind a link's target stands for.
    pub fn of_target(target: impl AsRef<[u8]>) -> Kind {
        match target.as_ref() {
            b"anon_inode:[eventpoll]" => Kind::Epoll,
            b"anon_inode:[eventfd]" => Kind::Eventfd,
            b"anon_inode:[timerfd]" => Kind::Timerfd,
            b"anon_inode:[signalfd]" => Kind::Signalfd,
            target if target.starts_with(b"socket:[") => Kind::Socket,
            target if target.starts_with(b"pipe:[") => Kind::Pipe,
            target if target.starts_with(b"anon_inode:") => Kind::Anonymous,
            _ => Kind::Path,
        }
    }

    /// True if unrelated files of this kind have the same inode, so that it tells nothing apart.
    pub fn shares_its_inode(self) -> bool {
        matches!(
            self,
            Kind::Epoll | Kind::Eventfd | Kind::Timerfd | Kind::Signalfd | Kind::Anonymous
        )
    }
}

/// An inode. Different inodes are different files, but one inode may belong to several files,
/// such as the two ends of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FileKey {
    /// Its device in the kernel's own numbering; not known from a capture.
    pub dev: Option<u32>,
    /// Its number on that device.
    pub ino: u64,
}

impl FileKey {
    /// True unless it is known that they differ: a capture does not know the device.
    pub fn can_be(self, other: FileKey) -> bool {
        let is_dev_same = match (self.dev, other.dev) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.ino == other.ino && is_dev_same
    }
}
