//! The arguments of epoll's calls, read and made.

use super::effect::{Ctl, CtlOp};
use super::site::Place;
use super::text::{contains, fd_at, find_after, leading_int};
use eventpoll::syscall::flags;
use eventpoll::{EpollEvent, Events, Fd, Syscall};
use polter_trace::Args;

/// Reads the arguments of an `epoll_ctl`.
pub(crate) fn ctl_args(args: Args<'_>) -> Option<Ctl> {
    let op = args.get(1)?.raw;
    let op = match op {
        _ if contains(op, b"_ADD") => CtlOp::Add,
        _ if contains(op, b"_DEL") => CtlOp::Del,
        _ if contains(op, b"_MOD") => CtlOp::Mod,
        _ => match leading_int(op)? {
            1 => CtlOp::Add,
            2 => CtlOp::Del,
            3 => CtlOp::Mod,
            _ => return None,
        },
    };
    Some(Ctl {
        epfd: fd_at(args, 0)?,
        op,
        fd: fd_at(args, 2)?,
        data: control_data(args),
    })
}

/// An `epoll_ctl` as a call of the worlds. They never ask what it waits for, so the mask does not matter.
pub(crate) fn ctl_call(epfd: Fd, op: CtlOp, fd: Fd, data: u64) -> Syscall {
    let op = match op {
        CtlOp::Add => flags::EPOLL_CTL_ADD,
        CtlOp::Del => flags::EPOLL_CTL_DEL,
        CtlOp::Mod => flags::EPOLL_CTL_MOD,
    };
    Syscall::EpollCtl {
        epfd,
        op,
        fd,
        event: Some(EpollEvent {
            events: Events::IN,
            data,
        }),
    }
}

/// The data that an `epoll_ctl` gives its registration.
pub(crate) fn control_data(args: Args<'_>) -> Option<u64> {
    event_words(args.get(3)?.raw).next()
}

/// The data of the events in a text, in order.
pub(crate) fn event_words(text: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = find_after(rest, b"u64=").or_else(|| find_after(rest, b"data="))?;
        Some(leading_int(rest)? as u64)
    })
}

/// True if an `epoll_ctl` asks for edges, or if its text is not known.
pub(crate) fn is_edge(place: Option<&Place<'_>>) -> bool {
    const EPOLLET: i64 = 1 << 31;
    let Some(event) = place.and_then(|place| place.args.get(3)) else {
        return true;
    };
    let mask = find_after(event.raw, b"events=").and_then(leading_int);
    contains(event.raw, b"EPOLLET") || mask.is_some_and(|mask| mask & EPOLLET != 0)
}

/// True for the `ioctl` that is [`Adopt`](super::Effect::Adopt).
pub(super) fn is_adoption(args: Args<'_>) -> bool {
    let Some(request) = args.get(1) else {
        return false;
    };
    request.raw == b"EPIOCADOPT" || leading_int(request.raw) == Some(eventpoll::EPIOCADOPT.into())
}

/// The fd that data holds, by convention: in the lower half, alone or below a generation. -1 if there is none.
pub(crate) fn fd_in_data(data: u64) -> Fd {
    Fd(i32::try_from(data & 0xffff_ffff).unwrap_or(-1))
}
