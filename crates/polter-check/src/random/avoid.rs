//! What no random program does, each with its reason: calls whose answer the
//! running kernel leaves open, and calls the model does not claim to know.

use super::kinds::{Kind, Kinds};
use eventpoll::syscall::{Fcntl, Ioctl, PathKind, UserTimespec, flags};
use eventpoll::{Fd, Kernel, Pid, Syscall, Tid};
use std::fmt;

/// Why a call is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Avoided {
    /// A time-out that is neither none nor endless: real time decides.
    WallClock,
    /// A file whose readiness the model does not know: TCP, terminals, `/proc`.
    Opaque,
    /// Families of sockets other than `AF_UNIX`, which are there or not.
    Family,
    /// The contents and positions of files on disk, and what their file system can do.
    Contents,
    /// Sockets that come to hold each other in their queues: the kernel's
    /// collector finds them in a kernel thread, some time later.
    Collector,
    /// Signals that stop, continue, or queue: not modelled. Those that dump
    /// core: the thread that takes one ends the others some time later.
    SignalKind,
    /// Groups of processes: not modelled, and not only the program's own.
    Group,
    /// Namespaces, tracing, and whether memory is shared.
    CloneFlags,
    /// A limit above the hard one, which the model does not have.
    HardLimit,
    /// The flags of `/dev/null` at 0, 1 and 2, which all programs share.
    Shared,
    /// A wait by a task when there are rings about: the end of a ring ends
    /// waits of those who used it, from a kernel thread.
    Ring,
    /// Only the model has this device.
    Device,
    /// The model does not claim to know: see `eventpoll`'s `unknown`.
    Unknown,
}

impl Avoided {
    /// The reason in words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Avoided::WallClock => "real time would decide",
            Avoided::Opaque => "readiness of files that are not modelled",
            Avoided::Family => "families of sockets that are there or not",
            Avoided::Contents => "files on disk, beyond their being there",
            Avoided::Collector => "sockets holding each other: collected some time later",
            Avoided::SignalKind => "signals that stop, continue or dump core",
            Avoided::Group => "groups of processes",
            Avoided::CloneFlags => "namespaces, tracing, shared memory",
            Avoided::HardLimit => "a limit above the hard one",
            Avoided::Shared => "files that all programs share",
            Avoided::Ring => "waits disturbed by the end of a ring",
            Avoided::Device => "the modelled device",
            Avoided::Unknown => "what the model does not claim to know",
        }
    }
}

impl fmt::Display for Avoided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// The flags of `clone(2)` that programs use.
const CLONE_FLAGS: u64 = flags::CLONE_VM
    | flags::CLONE_FILES
    | flags::CLONE_SIGHAND
    | flags::CLONE_PIDFD
    | flags::CLONE_VFORK
    | flags::CLONE_PARENT
    | flags::CLONE_THREAD
    | CLONE_FS;
const CLONE_FS: u64 = 0x200;

/// The flags of `unshare(2)` that programs use: with an unknown one.
const UNSHARE_FLAGS: u64 =
    flags::CLONE_FILES | flags::CLONE_SIGHAND | flags::CLONE_THREAD | CLONE_FS | 1;

/// Says why a call is none for a random program, if it is not.
pub(crate) fn avoided(kernel: &Kernel, kinds: &Kinds, tid: Tid, call: &Syscall) -> Option<Avoided> {
    let at = |fd: Fd| kinds.at(kernel, tid, fd);
    let is = |avoided: bool, why: Avoided| avoided.then_some(why);
    match call {
        Syscall::EpollWait { timeout_ms, .. }
        | Syscall::EpollPwait { timeout_ms, .. }
        | Syscall::Poll { timeout_ms, .. } => is(*timeout_ms > 0, Avoided::WallClock),
        Syscall::EpollPwait2 { timeout, .. } | Syscall::Ppoll { timeout, .. } => {
            is(is_finite(*timeout), Avoided::WallClock)
        }
        Syscall::Socket { domain, kind, .. } => is(
            (1..46).contains(domain) && kind & flags::SOCK_TYPE_MASK < 11,
            Avoided::Opaque,
        ),
        Syscall::Socketpair { domain, .. } => is((2..46).contains(domain), Avoided::Family),
        Syscall::Open { path, flags } => match path {
            PathKind::Device => Some(Avoided::Device),
            PathKind::Pollable => is(flags & flags::O_PATH == 0, Avoided::Opaque),
            PathKind::Regular | PathKind::Directory | PathKind::Null | PathKind::Zero => None,
        },
        Syscall::Read { fd, .. }
        | Syscall::Write { fd, .. }
        | Syscall::Readv { fd, .. }
        | Syscall::Writev { fd, .. } => is(at(*fd) == Some(Kind::Opened), Avoided::Contents),
        Syscall::Sendmsg { fd, rights, .. } => is(
            kinds.could_circle(kernel, tid, *fd, rights),
            Avoided::Collector,
        ),
        Syscall::Kill { pid, signal } => is(pid.0 <= 0, Avoided::Group).or(odd_signal(*signal)),
        Syscall::Tgkill { signal, .. } => odd_signal(*signal),
        Syscall::Wait4 { pid, .. } => is(pid.0 < 1 && *pid != Pid(-1), Avoided::Group),
        Syscall::Clone { flags } => is(flags & !CLONE_FLAGS != 0, Avoided::CloneFlags),
        Syscall::Unshare { flags } => is(flags & !UNSHARE_FLAGS != 0, Avoided::CloneFlags),
        Syscall::SetNofile { soft, hard } => is(*soft.max(hard) > 1024, Avoided::HardLimit),
        Syscall::Fcntl {
            fd,
            cmd: Fcntl::SetFl(_),
        } => match at(*fd) {
            Some(Kind::Null) => Some(Avoided::Shared),
            Some(Kind::Opened) => Some(Avoided::Contents),
            _ => None,
        },
        Syscall::Ioctl { fd, request } => match request {
            Ioctl::ExportBuffer | Ioctl::AddFence | Ioctl::SignalFence => Some(Avoided::Device),
            Ioctl::Fionbio(_) => is(at(*fd) == Some(Kind::Null), Avoided::Shared),
            Ioctl::Fionread => is(at(*fd) == Some(Kind::Opened), Avoided::Contents),
            _ => None,
        },
        _ => None,
    }
    .or_else(|| kernel.unknown(tid, call).map(|_| Avoided::Unknown))
}

fn is_finite(timeout: UserTimespec) -> bool {
    match timeout {
        UserTimespec::Null | UserTimespec::Faults => false,
        UserTimespec::Time { sec, nsec } => {
            sec >= 0 && (0..1_000_000_000).contains(&nsec) && (sec, nsec) != (0, 0)
        }
    }
}

/// `SIGCONT` to `SIGTTOU`, the two that a libc keeps for itself, and those that dump core.
fn odd_signal(signal: u32) -> Option<Avoided> {
    let is_odd = matches!(signal, 3..=8 | 11 | 18..=22 | 24 | 25 | 31..=33);
    is_odd.then_some(Avoided::SignalKind)
}
