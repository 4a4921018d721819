//! epoll and poll.
//!
//! A buffer that strace could read is [`Buffer::Mapped`]. Where strace prints an address,
//! `NULL`, the lowest page, and any address a plain `epoll_wait` fails on with `EFAULT` are
//! [`Buffer::Faults`]`(0)`. Our own scripts add `/* room for 2 */`.

use eventpoll::syscall::{Buffer, Out, SigMask, UserTimespec};
use eventpoll::{EpollEvent, EventList, Events, Fd, PollFd, Syscall};

use super::Read;
use super::fields::{ADDRESS, Fault, Field, Fields, field, named};
use crate::encode::{BUFFER, USER_END};
use crate::names::{EPOLL_CREATE, EPOLL_EVENTS, EPOLL_OPS, POLL_EVENTS};
use crate::signals::read_set;
use crate::value::Value;

pub(super) fn read(name: &str, fields: &mut Fields<'_>) -> Read {
    let syscall = match name {
        "epoll_create" => Syscall::EpollCreate {
            size: fields.i32()?,
        },
        "epoll_create1" => Syscall::EpollCreate1 {
            flags: fields.named_u32(&EPOLL_CREATE)?,
        },
        "epoll_ctl" => Syscall::EpollCtl {
            epfd: fields.fd()?,
            op: fields.named_u32(&EPOLL_OPS)?,
            fd: fields.fd()?,
            event: read_event_pointer(&fields.next()?)?,
        },
        "poll" | "ppoll" => return read_poll(name, fields),
        _ => return read_wait(name, fields),
    };
    Ok((syscall, Out::None))
}

fn read_wait(name: &str, fields: &mut Fields<'_>) -> Read {
    let epfd = fields.fd()?;
    let events = fields.next()?;
    let maxevents = fields.i32()?;
    let is_fault = fields.errno() == Some("EFAULT");
    let syscall = match name {
        "epoll_wait" => Syscall::EpollWait {
            epfd,
            buffer: read_buffer(&events, is_fault)?,
            maxevents,
            timeout_ms: fields.i32()?,
        },
        "epoll_pwait" => {
            let timeout_ms = fields.i32()?;
            let mask = read_mask(fields)?;
            // The buffer is not to blame if another address is known to be bad.
            let buffer = read_buffer(&events, is_fault && mask != SigMask::Faults)?;
            Syscall::EpollPwait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
                mask,
            }
        }
        _ => {
            let timeout = read_timeout(&fields.next()?)?;
            let mask = read_mask(fields)?;
            let is_another = mask == SigMask::Faults || timeout == UserTimespec::Faults;
            let buffer = read_buffer(&events, is_fault && !is_another)?;
            Syscall::EpollPwait2 {
                epfd,
                buffer,
                maxevents,
                timeout,
                mask,
            }
        }
    };
    let out = match fields.success() {
        Some(1..) => Out::Events(read_events(&events)?),
        _ => Out::None,
    };
    Ok((syscall, out))
}

/// Reads what lies behind the buffer's address; `is_blamed` says that the call failed for it.
fn read_buffer(events: &Field<'_>, is_blamed: bool) -> Result<Buffer, Fault> {
    if let Value::Commented(_, comment) = &events.value
        && let Some(buffer) = read_room(comment)
    {
        return Ok(buffer);
    }
    if events.value.elements().is_some() {
        return Ok(Buffer::Mapped);
    }
    if events.value.is_null() {
        return Ok(Buffer::Faults(0));
    }
    match events.value.number() {
        Some(address) if address >= i128::from(USER_END) => Ok(Buffer::KernelSpace),
        Some(address) if address < LOWEST => Ok(Buffer::Faults(0)),
        Some(address) if address == i128::from(BUFFER) => Ok(Buffer::Mapped),
        Some(_) if is_blamed => Ok(Buffer::Faults(0)),
        Some(_) => Ok(Buffer::Mapped),
        None => Err(events.expected("events or an address")),
    }
}

/// No program may map below this. Linux: `vm.mmap_min_addr`.
const LOWEST: i128 = 0x10000;

fn read_room(comment: &[u8]) -> Option<Buffer> {
    let text = str::from_utf8(comment).ok()?;
    match text.strip_prefix("room for ") {
        Some(room) => room.parse().ok().map(Buffer::Faults),
        None => (text == "kernel space").then_some(Buffer::KernelSpace),
    }
}

fn read_events(events: &Field<'_>) -> Result<EventList, Fault> {
    let elements = events
        .value
        .elements()
        .ok_or_else(|| events.expected("events, not an address (-e raw?)"))?;
    // strace leaves out those beyond 32 unless told otherwise.
    let elements = elements.iter().filter(|event| **event != Value::Elided);
    elements.map(|event| read_event(events, event)).collect()
}

fn read_event_pointer(event: &Field<'_>) -> Result<Option<EpollEvent>, Fault> {
    match event.value.bare() {
        Value::Struct(_) => read_event(event, &event.value).map(Some),
        Value::Name("NULL") | Value::Number(_) => Ok(None),
        _ => Err(event.expected("an event or an address")),
    }
}

fn read_event(of: &Field<'_>, value: &Value<'_>) -> Result<EpollEvent, Fault> {
    let events = field(of, value, "events", 0)?;
    let events = named(events, &EPOLL_EVENTS).map_err(|what| of.expected(what))?;
    let data = field(of, value, "data", 1)?;
    let word = match data.bare() {
        Value::Number(_) => data,
        _ => field(of, data, "u64", 1)?,
    };
    let data = word.number().and_then(|word| u64::try_from(word).ok());
    Ok(EpollEvent {
        events: Events::from_bits_retain(events as u32),
        data: data.ok_or_else(|| of.expected("a word of data"))?,
    })
}

/// Reads the mask and its size.
pub(super) fn read_mask(fields: &mut Fields<'_>) -> Result<SigMask, Fault> {
    let mask = fields.next()?;
    let size = fields.u64()?;
    Ok(match read_set(&mask.value) {
        _ if mask.value.is_null() => SigMask::Null,
        _ if size != 8 => SigMask::WrongSize,
        Some(set) => SigMask::Set(set),
        None if mask.value.number().is_some() => SigMask::Faults,
        None => return Err(mask.expected("a set of signals")),
    })
}

fn read_timeout(timeout: &Field<'_>) -> Result<UserTimespec, Fault> {
    if timeout.value.is_null() {
        return Ok(UserTimespec::Null);
    }
    if timeout.value.number().is_some() {
        return Ok(UserTimespec::Faults);
    }
    let (sec, nsec) = read_timespec(timeout, &timeout.value)?;
    Ok(UserTimespec::Time { sec, nsec })
}

/// Reads `{tv_sec=1, tv_nsec=2}`; a negative count comes as a large one.
pub(super) fn read_timespec(of: &Field<'_>, value: &Value<'_>) -> Result<(i64, i64), Fault> {
    let number = |name, index| {
        let number = field(of, value, name, index)?.number();
        let wrapped = number
            .filter(|number| i64::try_from(*number).is_ok() || u64::try_from(*number).is_ok());
        wrapped
            .map(|number| number as i64)
            .ok_or_else(|| of.expected("seconds and nanoseconds"))
    };
    Ok((number("tv_sec", 0)?, number("tv_nsec", 1)?))
}

fn read_poll(name: &str, fields: &mut Fields<'_>) -> Read {
    let array = fields.next()?;
    fields.skip()?;
    let mut fds = match array.value.elements() {
        Some(elements) => elements
            .iter()
            .map(|entry| read_pollfd(&array, entry))
            .collect::<Result<Vec<_>, _>>()?,
        None if array.value.is_null() => Vec::new(),
        // Entries that strace could not read are not entries the model could.
        None if array.value.number().is_some() => return Err(array.unmodelled(ADDRESS)),
        None => return Err(array.expected("entries")),
    };
    let syscall = if name == "poll" {
        Syscall::Poll {
            fds: fds.clone(),
            timeout_ms: fields.i32()?,
        }
    } else {
        let timeout = read_timeout(&fields.next()?)?;
        Syscall::Ppoll {
            fds: fds.clone(),
            timeout,
            mask: read_mask(fields)?,
        }
    };
    let out = match fields.success() {
        Some(1..) => {
            read_revents(&array, fields.returned_text().unwrap_or_default(), &mut fds)?;
            Out::Polled(fds)
        }
        Some(_) => Out::Polled(fds),
        None => Out::None,
    };
    Ok((syscall, out))
}

fn read_pollfd(of: &Field<'_>, entry: &Value<'_>) -> Result<PollFd, Fault> {
    if *entry == Value::Elided {
        return Err(of.expected("all entries (strace -v prints them)"));
    }
    let fd = field(of, entry, "fd", 0)?
        .fd()
        .ok_or_else(|| of.expected("an fd"))?;
    // strace does not print what a negative fd asks for: nobody looks at it.
    let events = match entry.field("events") {
        Some(events) => named(events, &POLL_EVENTS).map_err(|what| of.expected(what))?,
        None => 0,
    };
    Ok(PollFd {
        fd: Fd(fd),
        events: Events::from_bits_retain(events as u32),
        revents: Events::empty(),
    })
}

/// Reads `[{fd=3, revents=POLLIN}], left {…}` and gives each entry what was found.
fn read_revents(of: &Field<'_>, text: &[u8], fds: &mut [PollFd]) -> Result<(), Fault> {
    let found = crate::args::Args::new(text, 1).get(0);
    let found = found.and_then(|found| found.value().ok());
    let elements = found
        .as_ref()
        .and_then(Value::elements)
        .ok_or_else(|| of.expected("revents after the result"))?;
    let mut next = 0;
    for element in elements {
        let fd = element.field("fd").and_then(Value::fd);
        let revents = element
            .field("revents")
            .map(|revents| named(revents, &POLL_EVENTS));
        let (Some(fd), Some(Ok(revents))) = (fd, revents) else {
            // What is left out (`...`) stays empty.
            continue;
        };
        let Some(index) = fds[next..].iter().position(|entry| entry.fd.0 == fd) else {
            return Err(of.expected("an entry for each of the revents"));
        };
        fds[next + index].revents = Events::from_bits_retain(revents as u32);
        next += index + 1;
    }
    Ok(())
}
