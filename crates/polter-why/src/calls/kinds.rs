//! What the arguments of a system call mean: which of them is the fd, and which calls wait.

/// Calls are counted up to this number; `MAX_CALLS` in `calls.bpf.c`.
#[cfg(feature = "bpf")]
pub(super) const MAX_CALLS: u32 = 512;

/// What a call's arguments mean; the numbers are those of `calls.bpf.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// No fd, or none that matters.
    #[cfg(feature = "bpf")]
    NoFd = 0,
    /// The first argument is an fd.
    First = 1,
    /// The second argument is the fd that is closed: `dup2(2)`.
    Second = 2,
    /// `epoll_ctl(2)`: the third argument is the fd, the first the instance.
    Control = 3,
    /// `epoll_wait(2)`, whose timeout is in milliseconds.
    Wait = 4,
    /// `epoll_pwait2(2)`, whose timeout is behind a pointer.
    WaitSpan = 5,
}

/// What a call does to its fd, as far as a cause asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Takes what has come in: `read(2)`, `recvmsg(2)`.
    Takes,
    /// Puts something out: `write(2)`, `sendmsg(2)`.
    Puts,
    /// Takes a connection: `accept4(2)`.
    Accepts,
    /// Ends the fd, or what it stands for: `close(2)`, `shutdown(2)`, `dup2(2)` onto it.
    Ends,
    /// Changes the registration: `epoll_ctl(2)`.
    Registers,
    /// Changes what it reports: `timerfd_settime(2)`, `signalfd4(2)`.
    Sets,
    /// Waits for events: `epoll_wait(2)`.
    Waits,
    /// Anything else.
    Other,
}

/// The calls on an fd, each with what it does.
const CALLS: &[(libc::c_long, Kind, Effect)] = {
    use Effect::{Accepts, Ends, Other, Puts, Registers, Sets, Takes, Waits};
    use Kind::{Control, First, Second, Wait, WaitSpan};
    &[
        (libc::SYS_read, First, Takes),
        (libc::SYS_readv, First, Takes),
        (libc::SYS_pread64, First, Takes),
        (libc::SYS_preadv, First, Takes),
        (libc::SYS_preadv2, First, Takes),
        (libc::SYS_recvfrom, First, Takes),
        (libc::SYS_recvmsg, First, Takes),
        (libc::SYS_recvmmsg, First, Takes),
        (libc::SYS_splice, First, Takes),
        (libc::SYS_tee, First, Takes),
        (libc::SYS_write, First, Puts),
        (libc::SYS_writev, First, Puts),
        (libc::SYS_pwrite64, First, Puts),
        (libc::SYS_sendto, First, Puts),
        (libc::SYS_sendmsg, First, Puts),
        (libc::SYS_sendmmsg, First, Puts),
        (libc::SYS_sendfile, First, Puts),
        (libc::SYS_connect, First, Puts),
        (libc::SYS_accept, First, Accepts),
        (libc::SYS_accept4, First, Accepts),
        (libc::SYS_close, First, Ends),
        (libc::SYS_shutdown, First, Ends),
        (libc::SYS_dup3, Second, Ends),
        (libc::SYS_epoll_ctl, Control, Registers),
        (libc::SYS_timerfd_settime, First, Sets),
        (libc::SYS_signalfd4, First, Sets),
        (libc::SYS_epoll_pwait, Wait, Waits),
        (libc::SYS_epoll_pwait2, WaitSpan, Waits),
        (libc::SYS_getsockopt, First, Other),
        (libc::SYS_setsockopt, First, Other),
        (libc::SYS_ioctl, First, Other),
        (libc::SYS_fcntl, First, Other),
        (libc::SYS_lseek, First, Other),
        (libc::SYS_fstat, First, Other),
        (libc::SYS_io_uring_enter, First, Other),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, Wait, Waits),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_dup2, Second, Ends),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_signalfd, First, Sets),
    ]
};

/// What a call's arguments mean.
#[cfg(feature = "bpf")]
pub(super) fn kind_of(number: u32) -> Kind {
    let of_number = CALLS
        .iter()
        .find(|(it, ..)| *it == libc::c_long::from(number));
    of_number.map_or(Kind::NoFd, |(_, kind, _)| *kind)
}

/// What a call does to its fd.
pub(crate) fn effect_of(number: u16) -> Effect {
    let of_number = CALLS
        .iter()
        .find(|(it, ..)| *it == libc::c_long::from(number));
    of_number.map_or(Effect::Other, |(.., effect)| *effect)
}

/// True if a call's first argument is an fd that it uses: a thread that sleeps in it waits for that file.
pub(crate) fn sleeps_on_fd(number: i64) -> bool {
    let of_number = CALLS.iter().find(|(it, ..)| *it == number);
    of_number.is_some_and(|(_, kind, _)| *kind == Kind::First)
}

/// True for `epoll_wait(2)` and its like.
pub(crate) fn is_wait(number: i64) -> bool {
    let of_number = CALLS.iter().find(|(it, ..)| *it == number);
    of_number.is_some_and(|(.., effect)| *effect == Effect::Waits)
}

/// A call's name on this machine.
pub(crate) fn name_of(number: i64) -> String {
    let known = usize::try_from(number).ok().and_then(syscalls::Sysno::new);
    known.map_or_else(
        || format!("system call {number}"),
        |it| it.name().to_owned(),
    )
}
