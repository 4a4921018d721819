//! System calls as values: what a program asks, and what it is told.
//!
//! A [`Syscall`] holds exactly what the kernel looks at. Addresses are
//! reduced to what the kernel finds behind them ([`Buffer`], [`SigMask`],
//! [`UserTimespec`]); the bytes of pipes and sockets to their number. Older
//! spellings of a call are the newer one with fixed arguments: `pipe` is
//! `Pipe2 { flags: 0 }`; `select` and the `preadv` family are not modelled.
//!
//! Pids are the model's own;
//! [`dictate_pid`](crate::Kernel::dictate_pid) lets a caller choose them.

use crate::{EpollEvent, Errno, EventList, Fd, Pid, PollFd};

/// A set of signals; bit `n - 1` is signal `n`. Linux: `sigset_t`.
pub type SigSet = u64;

/// A system call with its arguments.
#[expect(missing_docs, reason = "the fields are the manual's arguments")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
// The kind of a call is looked at in every call: it has a place of its own.
#[repr(u8)]
pub enum Syscall {
    /// `epoll_create(2)`.
    EpollCreate { size: i32 },
    /// `epoll_create1(2)`.
    EpollCreate1 { flags: u32 },
    /// `epoll_ctl(2)`; `event` is `None` where the pointer cannot be read.
    EpollCtl {
        epfd: Fd,
        op: u32,
        fd: Fd,
        event: Option<EpollEvent>,
    },
    /// `epoll_wait(2)`.
    EpollWait {
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout_ms: i32,
    },
    /// `epoll_pwait(2)`.
    EpollPwait {
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout_ms: i32,
        mask: SigMask,
    },
    /// `epoll_pwait2(2)`.
    EpollPwait2 {
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout: UserTimespec,
        mask: SigMask,
    },
    /// `poll(2)`.
    Poll { fds: Vec<PollFd>, timeout_ms: i32 },
    /// `ppoll(2)`.
    Ppoll {
        fds: Vec<PollFd>,
        timeout: UserTimespec,
        mask: SigMask,
    },

    /// `dup(2)`.
    Dup { fd: Fd },
    /// `dup2(2)`.
    Dup2 { fd: Fd, new_fd: Fd },
    /// `dup3(2)`.
    Dup3 { fd: Fd, new_fd: Fd, flags: u32 },
    /// `fcntl(2)`.
    Fcntl { fd: Fd, cmd: Fcntl },
    /// `close(2)`.
    Close { fd: Fd },
    /// `close_range(2)`.
    CloseRange { first: u32, last: u32, flags: u32 },
    /// `ioctl(2)`.
    Ioctl { fd: Fd, request: Ioctl },

    /// `pipe(2)` and `pipe2(2)`.
    Pipe2 { flags: u32 },
    /// `eventfd(2)` and `eventfd2`.
    Eventfd2 { count: u32, flags: u32 },
    /// `timerfd_create(2)`.
    TimerfdCreate { clock: i32, flags: u32 },
    /// `timerfd_settime(2)`.
    TimerfdSettime { fd: Fd, flags: u32, new: TimerSpec },
    /// `timerfd_gettime(2)`.
    TimerfdGettime { fd: Fd },
    /// `signalfd(2)` and `signalfd4`; `fd` is -1 for a new one.
    Signalfd4 { fd: Fd, mask: SigSet, flags: u32 },
    /// `socket(2)`: an opaque file, its readiness is not modelled.
    Socket {
        domain: i32,
        kind: u32,
        protocol: i32,
    },
    /// `socketpair(2)`.
    Socketpair {
        domain: i32,
        kind: u32,
        protocol: i32,
    },
    /// `accept(2)` and `accept4(2)` on an opaque socket: always another opaque one.
    Accept4 { fd: Fd, flags: u32 },
    /// `shutdown(2)`; `how` is 0 for reading, 1 for writing, 2 for both.
    Shutdown { fd: Fd, how: i32 },
    /// `open(2)`, `openat(2)`, `creat(2)`: always found and always allowed.
    Open { path: PathKind, flags: u32 },
    /// `read(2)`.
    Read { fd: Fd, len: u64 },
    /// `write(2)`; `first` is the first eight bytes, in native order.
    Write { fd: Fd, len: u64, first: u64 },
    /// `readv(2)`, into pieces of these lengths.
    Readv { fd: Fd, lens: Vec<u64> },
    /// `writev(2)`.
    Writev { fd: Fd, pieces: Vec<Piece> },
    /// `sendmsg(2)` with `SCM_RIGHTS`.
    Sendmsg {
        fd: Fd,
        len: u64,
        rights: Vec<Fd>,
        flags: u32,
    },
    /// `recvmsg(2)` with room for so many descriptors.
    Recvmsg {
        fd: Fd,
        len: u64,
        room: u32,
        flags: u32,
    },
    /// `lseek(2)`.
    Lseek { fd: Fd, offset: i64, whence: i32 },

    /// `fork(2)`: `Clone` with no flags.
    Fork,
    /// `vfork(2)`: the caller waits until the child has exec'ed or exited.
    Vfork,
    /// `clone(2)` and `clone3(2)`; the exit signal is left out of `flags`.
    Clone { flags: u64 },
    /// `unshare(2)`.
    Unshare { flags: u64 },
    /// `execve(2)`: always succeeds.
    Execve,
    /// `exit(2)`: of the calling thread.
    Exit { status: i32 },
    /// `exit_group(2)`.
    ExitGroup { status: i32 },
    /// `kill(2)`, to one process.
    Kill { pid: Pid, signal: u32 },
    /// `tgkill(2)`.
    Tgkill { pid: Pid, tid: Pid, signal: u32 },
    /// `rt_sigprocmask(2)`; `how` is 0 block, 1 unblock, 2 set.
    Sigprocmask { how: i32, set: SigSet },
    /// `rt_sigaction(2)`.
    Sigaction { signal: u32, action: SigAction },
    /// `wait4(2)`; a `pid` of -1 is any child.
    Wait4 { pid: Pid, options: u32 },
    /// `getpid(2)`.
    Getpid,
    /// `prlimit64(2)` and `setrlimit(2)` of `RLIMIT_NOFILE`.
    SetNofile { soft: u64, hard: u64 },

    /// `pidfd_open(2)`.
    PidfdOpen { pid: Pid, flags: u32 },
    /// `pidfd_getfd(2)`.
    PidfdGetfd { pidfd: Fd, target: Fd, flags: u32 },
    /// `kcmp(2)`.
    Kcmp { pid1: Pid, pid2: Pid, what: Kcmp },
    /// `io_uring_setup(2)`: a ring, as a holder of files only.
    IoUringSetup { entries: u32 },
    /// `io_uring_register(2)`, `IORING_REGISTER_FILES`; -1 leaves a gap.
    IoUringRegisterFiles { ring: Fd, files: Vec<Fd> },
    /// `io_uring_register(2)`, `IORING_UNREGISTER_FILES`.
    IoUringUnregisterFiles { ring: Fd },
}

/// A command of `fcntl(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fcntl {
    /// `F_DUPFD`: the lowest free fd from here on.
    DupFd(i32),
    /// `F_DUPFD_CLOEXEC`.
    DupFdCloexec(i32),
    /// `F_GETFD`.
    GetFd,
    /// `F_SETFD`.
    SetFd(u32),
    /// `F_GETFL`.
    GetFl,
    /// `F_SETFL`.
    SetFl(u32),
    /// `F_DUPFD_QUERY`: is this the same file?
    DupFdQuery(Fd),
    /// `F_SETPIPE_SZ`.
    SetPipeSize(u32),
    /// `F_GETPIPE_SZ`.
    GetPipeSize,
    /// `F_GETOWN`: nobody's, for none is ever set.
    GetOwn,
    /// `F_SETOWN`: to whom `SIGIO` goes. Only nobody (0) is modelled.
    SetOwn(i32),
    /// `F_GETSIG`: `SIGIO`, for no other is ever set.
    GetSig,
    /// `F_SETSIG`: what is sent instead of `SIGIO`. Only that (0) is modelled.
    SetSig(i32),
    /// `F_GETLEASE`: none, for none is ever taken.
    GetLease,
    /// `F_NOTIFY`: of changes to a directory. Only the end of it (0) is modelled.
    Notify(u32),
    /// Any other, by number, with an argument of 0.
    Other(i32),
}

/// A request of `ioctl(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ioctl {
    /// `FIONBIO`.
    Fionbio(bool),
    /// `FIOCLEX`.
    Fioclex,
    /// `FIONCLEX`.
    Fionclex,
    /// `FIONREAD`.
    Fionread,
    /// `EPIOCSPARAMS`.
    SetEpollParams(EpollParams),
    /// `EPIOCGPARAMS`.
    GetEpollParams,
    /// [`EPIOCADOPT`](crate::EPIOCADOPT), of the `owner-adopt` policy.
    EpollAdopt,
    /// Makes a buffer of a device and gives a descriptor of it, as `DRM_IOCTL_PRIME_HANDLE_TO_FD` does.
    ExportBuffer,
    /// Puts a fence on a device's buffers: they are busy until it is signalled.
    AddFence,
    /// Signals the device's fence: its buffers are ready.
    SignalFence,
    /// Any other, by number.
    Other(u32),
}

/// Busy-poll settings of an instance. Linux: `struct epoll_params`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EpollParams {
    /// How long to busy-poll, in microseconds.
    pub busy_poll_usecs: u32,
    /// How many packets at a time.
    pub busy_poll_budget: u16,
    /// Non-zero to prefer busy polling over interrupts.
    pub prefer_busy_poll: u8,
    /// Must be zero: anything else is EINVAL (ioctl_eventpoll(2)).
    pub pad: u8,
}

/// What lies behind the address of an event buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Buffer {
    /// Writable memory for all events that can come.
    #[default]
    Mapped,
    /// Room for so many events, then unmapped memory; 0 is `NULL`.
    Faults(u32),
    /// An address no program may name: refused before anything else is looked at.
    KernelSpace,
}

/// A signal mask as `epoll_pwait(2)` and `ppoll(2)` take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SigMask {
    /// `NULL`: the mask stays as it is.
    #[default]
    Null,
    /// The mask for the time of the call.
    Set(SigSet),
    /// A mask with a size other than 8.
    WrongSize,
    /// An address that cannot be read.
    Faults,
}

/// A `struct timespec` as the newer waiting calls take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UserTimespec {
    /// `NULL`: wait without end.
    #[default]
    Null,
    /// So long, valid or not.
    #[expect(missing_docs, reason = "the manual's fields")]
    Time { sec: i64, nsec: i64 },
    /// An address that cannot be read.
    Faults,
}

/// A timer's setting, in nanoseconds. Linux: `struct itimerspec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TimerSpec {
    /// Time between expirations; 0 for a single one.
    pub interval_ns: u64,
    /// Time until the first, or its date; 0 disarms.
    pub value_ns: u64,
}

/// One buffer of `writev(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece {
    /// How long it is.
    pub len: u64,
    /// Its first eight bytes, in native order.
    pub first: u64,
}

/// What the path of an `open(2)` leads to: the model has no file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathKind {
    /// A regular file: cannot be polled.
    Regular,
    /// A directory: cannot be polled.
    Directory,
    /// `/dev/null`: cannot be polled.
    Null,
    /// `/dev/zero`: cannot be polled.
    Zero,
    /// Something that can be polled, whose readiness is not modelled.
    Pollable,
    /// The modelled device, see [`Ioctl::ExportBuffer`].
    Device,
}

/// What a program does with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SigAction {
    /// `SIG_DFL`.
    #[default]
    Default,
    /// `SIG_IGN`.
    Ignore,
    /// A handler that returns; with `SA_RESTART` or without.
    Handler {
        /// `SA_RESTART`.
        restart: bool,
    },
}

/// What `kcmp(2)` compares.
#[expect(missing_docs, reason = "the fields are the manual's arguments")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kcmp {
    /// `KCMP_FILE`: two descriptors.
    File { fd1: Fd, fd2: Fd },
    /// `KCMP_FILES`: the two tables.
    Files,
    /// `KCMP_EPOLL_TFD`: `fd1`, and the `toff`-th registration of `tfd` in `efd`.
    EpollTfd {
        fd1: Fd,
        efd: Fd,
        tfd: Fd,
        toff: u32,
    },
    /// Any other, by number.
    Other(i32),
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It returned to the program, with a value or an errno.
    Done(Result<Return, Errno>),
    /// It waits; its end comes with [`Kernel::drain_completions`](crate::Kernel::drain_completions).
    Blocked,
    /// The caller is gone: it exited, was killed, or is replaced.
    Gone,
}

/// A call's result: the value, and what was written through its pointers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Return {
    /// The return value, never negative: a failed call is an [`Errno`].
    pub value: i64,
    /// What was written for the caller.
    pub out: Out,
}

/// What a call wrote for its caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Out {
    /// Nothing the model keeps.
    #[default]
    None,
    /// The two descriptors of a pipe or a socket pair.
    Pair([Fd; 2]),
    /// The events of an epoll wait.
    Events(EventList),
    /// The entries of `poll(2)`, all of them, with their `revents`.
    Polled(Vec<PollFd>),
    /// The descriptors that came with a message.
    Rights(Vec<Fd>),
    /// The counter that `read(2)` of an eventfd or a timerfd gives.
    Counter(u64),
    /// The signals that `read(2)` of a signalfd gives, in order.
    Signals(Vec<u32>),
    /// The former or present setting of a timer.
    Timer(TimerSpec),
    /// The settings of an epoll instance.
    Params(EpollParams),
    /// The former signal mask.
    Mask(SigSet),
    /// How a child ended: its wait status.
    Status(i32),
    /// The process descriptor of a new child (`CLONE_PIDFD`).
    Pidfd(Fd),
    /// How many bytes wait (`FIONREAD`).
    Available(u32),
}

impl Return {
    /// A value and nothing beside it.
    pub fn value(value: i64) -> Return {
        Return {
            value,
            out: Out::None,
        }
    }

    /// A value, and what was written for the caller.
    pub fn with(value: i64, out: Out) -> Return {
        Return { value, out }
    }
}

impl From<Fd> for Return {
    fn from(fd: Fd) -> Return {
        Return::value(fd.0.into())
    }
}

impl From<()> for Return {
    fn from((): ()) -> Return {
        Return::value(0)
    }
}

/// Flag values the calls share, as x86-64 has them.
pub mod flags {
    /// `O_ACCMODE`.
    pub const O_ACCMODE: u32 = 0o3;
    /// `O_RDONLY`.
    pub const O_RDONLY: u32 = 0o0;
    /// `O_WRONLY`.
    pub const O_WRONLY: u32 = 0o1;
    /// `O_RDWR`.
    pub const O_RDWR: u32 = 0o2;
    /// `O_APPEND`.
    pub const O_APPEND: u32 = 0o2000;
    /// `O_NONBLOCK`, `SOCK_NONBLOCK`, `EFD_NONBLOCK`, `TFD_NONBLOCK`, `SFD_NONBLOCK`.
    pub const O_NONBLOCK: u32 = 0o4000;
    /// `O_ASYNC`.
    pub const O_ASYNC: u32 = 0o20000;
    /// `O_DIRECT`: a pipe of packets.
    pub const O_DIRECT: u32 = 0o40000;
    /// `O_LARGEFILE`, set by the kernel on 64-bit opens.
    pub const O_LARGEFILE: u32 = 0o100000;
    /// `O_NOATIME`.
    pub const O_NOATIME: u32 = 0o1000000;
    /// `O_CLOEXEC` and its twins of other calls (`EPOLL_CLOEXEC`, `SOCK_CLOEXEC`, …).
    pub const O_CLOEXEC: u32 = 0o2000000;
    /// `O_PATH`.
    pub const O_PATH: u32 = 0o10000000;
    /// `O_NOTIFICATION_PIPE`, as `pipe2(2)` spells `O_EXCL`.
    pub const O_EXCL: u32 = 0o200;
    /// `EFD_SEMAPHORE`.
    pub const EFD_SEMAPHORE: u32 = 1;
    /// `TFD_TIMER_ABSTIME`.
    pub const TFD_TIMER_ABSTIME: u32 = 1;
    /// `TFD_TIMER_CANCEL_ON_SET`.
    pub const TFD_TIMER_CANCEL_ON_SET: u32 = 2;
    /// `FD_CLOEXEC`.
    pub const FD_CLOEXEC: u32 = 1;
    /// `CLOSE_RANGE_UNSHARE`.
    pub const CLOSE_RANGE_UNSHARE: u32 = 1 << 1;
    /// `CLOSE_RANGE_CLOEXEC`.
    pub const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;
    /// `CLONE_VM`.
    pub const CLONE_VM: u64 = 0x100;
    /// `CLONE_FILES`.
    pub const CLONE_FILES: u64 = 0x400;
    /// `CLONE_SIGHAND`.
    pub const CLONE_SIGHAND: u64 = 0x800;
    /// `CLONE_PIDFD`.
    pub const CLONE_PIDFD: u64 = 0x1000;
    /// `CLONE_VFORK`.
    pub const CLONE_VFORK: u64 = 0x4000;
    /// `CLONE_PARENT`.
    pub const CLONE_PARENT: u64 = 0x8000;
    /// `CLONE_THREAD`.
    pub const CLONE_THREAD: u64 = 0x10000;
    /// `EPOLL_CTL_ADD`.
    pub const EPOLL_CTL_ADD: u32 = 1;
    /// `EPOLL_CTL_DEL`.
    pub const EPOLL_CTL_DEL: u32 = 2;
    /// `EPOLL_CTL_MOD`.
    pub const EPOLL_CTL_MOD: u32 = 3;
    /// `MSG_PEEK`.
    pub const MSG_PEEK: u32 = 2;
    /// `MSG_TRUNC`: of a packet, how long it was.
    pub const MSG_TRUNC: u32 = 0x20;
    /// `MSG_DONTWAIT`.
    pub const MSG_DONTWAIT: u32 = 0x40;
    /// `MSG_NOSIGNAL`.
    pub const MSG_NOSIGNAL: u32 = 0x4000;
    /// `MSG_CMSG_CLOEXEC`.
    pub const MSG_CMSG_CLOEXEC: u32 = 0x4000_0000;
    /// `PIDFD_NONBLOCK`.
    pub const PIDFD_NONBLOCK: u32 = O_NONBLOCK;
    /// `PIDFD_THREAD`.
    pub const PIDFD_THREAD: u32 = O_EXCL;
    /// `WNOHANG`.
    pub const WNOHANG: u32 = 1;
    /// `__WALL`.
    pub const WALL: u32 = 0x4000_0000;
    /// `__WCLONE`.
    pub const WCLONE: u32 = 0x8000_0000;
    /// `AF_UNIX`.
    pub const AF_UNIX: i32 = 1;
    /// `SOCK_STREAM`.
    pub const SOCK_STREAM: u32 = 1;
    /// `SOCK_DGRAM`.
    pub const SOCK_DGRAM: u32 = 2;
    /// `SOCK_SEQPACKET`.
    pub const SOCK_SEQPACKET: u32 = 5;
    /// `SOCK_RAW`; on `AF_UNIX` the same as `SOCK_DGRAM`.
    pub const SOCK_RAW: u32 = 3;
    /// The bits of a socket's kind that are not flags.
    pub const SOCK_TYPE_MASK: u32 = 0xf;
}
