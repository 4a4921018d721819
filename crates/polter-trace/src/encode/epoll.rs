//! epoll and poll.

use eventpoll::syscall::{Buffer, Out, Return, SigMask, UserTimespec};
use eventpoll::{EpollEvent, Events, PollFd, Syscall};

use super::BUFFER;
use super::writer::Writer;
use crate::names::{EPOLL_CREATE, EPOLL_EVENTS, EPOLL_OPS, POLL_EVENTS};
use crate::signals::signal_set;

pub(super) fn spell(syscall: &Syscall, done: Option<&Return>) -> Option<Writer> {
    Some(match syscall {
        Syscall::EpollCreate { size } => Writer::new("epoll_create").arg(size),
        Syscall::EpollCreate1 { flags } => {
            Writer::new("epoll_create1").arg(EPOLL_CREATE.flags((*flags).into()))
        }
        Syscall::EpollCtl {
            epfd,
            op,
            fd,
            event,
        } => Writer::new("epoll_ctl")
            .arg(epfd)
            .arg(EPOLL_OPS.one((*op).into()))
            .arg(fd)
            .arg(event.map_or_else(|| "NULL".to_owned(), |event| show_event(&event))),
        Syscall::EpollWait {
            epfd,
            buffer,
            maxevents,
            timeout_ms,
        } => Writer::new("epoll_wait")
            .arg(epfd)
            .cut()
            .arg(show_buffer(*buffer, done))
            .arg(maxevents)
            .arg(timeout_ms),
        Syscall::EpollPwait {
            epfd,
            buffer,
            maxevents,
            timeout_ms,
            mask,
        } => {
            let writer = Writer::new("epoll_pwait").arg(epfd).cut();
            let writer = writer
                .arg(show_buffer(*buffer, done))
                .arg(maxevents)
                .arg(timeout_ms);
            with_mask(writer, *mask)
        }
        Syscall::EpollPwait2 {
            epfd,
            buffer,
            maxevents,
            timeout,
            mask,
        } => {
            let writer = Writer::new("epoll_pwait2").arg(epfd).cut();
            let writer = writer
                .arg(show_buffer(*buffer, done))
                .arg(maxevents)
                .arg(show_timeout(*timeout));
            with_mask(writer, *mask)
        }
        Syscall::Poll { fds, timeout_ms } => Writer::new("poll")
            .arg(show_fds(fds))
            .arg(fds.len())
            .arg(timeout_ms),
        Syscall::Ppoll { fds, timeout, mask } => {
            let writer = Writer::new("ppoll")
                .arg(show_fds(fds))
                .arg(fds.len())
                .arg(show_timeout(*timeout));
            with_mask(writer, *mask)
        }
        _ => return None,
    })
}

/// Prints a mask of `poll(2)`.
pub(super) fn poll_events(events: Events) -> String {
    POLL_EVENTS.flags(events.bits().into())
}

fn show_event(event: &EpollEvent) -> String {
    let events = EPOLL_EVENTS.flags(event.events.bits().into());
    format!(
        "{{events={events}, data={{u32={}, u64={}}}}}",
        event.data as u32, event.data
    )
}

/// Prints the events that were written, or the address of the buffer if none could be.
fn show_buffer(buffer: Buffer, done: Option<&Return>) -> String {
    let Some(done) = done else {
        return match buffer {
            Buffer::Mapped => format!("{BUFFER:#x}"),
            Buffer::Faults(0) => "NULL".to_owned(),
            Buffer::Faults(room) => format!("{BUFFER:#x} /* room for {room} */"),
            Buffer::KernelSpace => "0xffff800000000000".to_owned(),
        };
    };
    let events = match &done.out {
        Out::Events(events) => events.iter().map(show_event).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    };
    match buffer {
        Buffer::Mapped => format!("[{events}]"),
        Buffer::Faults(room) => format!("[{events}] /* room for {room} */"),
        Buffer::KernelSpace => format!("[{events}] /* kernel space */"),
    }
}

fn with_mask(writer: Writer, mask: SigMask) -> Writer {
    match mask {
        SigMask::Null => writer.arg("NULL").arg(8),
        SigMask::Set(set) => writer.arg(signal_set(set)).arg(8),
        SigMask::WrongSize => writer.arg(format_args!("{BUFFER:#x}")).arg(4),
        SigMask::Faults => writer.arg("0x1").arg(8),
    }
}

fn show_timeout(timeout: UserTimespec) -> String {
    match timeout {
        UserTimespec::Null => "NULL".to_owned(),
        UserTimespec::Time { sec, nsec } => timespec(sec, nsec.cast_unsigned()),
        UserTimespec::Faults => "0x1".to_owned(),
    }
}

/// Prints a time; strace takes nanoseconds for unsigned.
pub(super) fn timespec(sec: i64, nsec: u64) -> String {
    format!("{{tv_sec={sec}, tv_nsec={nsec}}}")
}

fn show_fds(fds: &[PollFd]) -> String {
    let entries = fds.iter().map(|entry| {
        if entry.fd.0 < 0 && entry.events.is_empty() {
            return format!("{{fd={}}}", entry.fd);
        }
        format!("{{fd={}, events={}}}", entry.fd, poll_events(entry.events))
    });
    format!("[{}]", entries.collect::<Vec<_>>().join(", "))
}
