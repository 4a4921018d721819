//! Files: made, opened, duplicated, closed.
//!
//! What a file is must be guessed from its path.

use eventpoll::syscall::{Out, TimerSpec};
use eventpoll::{Fd, Syscall};

use super::Read;
use super::bytes::{read_read, read_write};
use super::control::{read_fcntl, read_ioctl};
use super::epoll::read_timespec;
use super::fields::{ADDRESS, Fault, Field, Fields, field};
use super::open::{read_open, read_open_flags};
use crate::names::{CLOCKS, CLOSE_RANGE, EVENTFD, OPEN, SIGNALFD, TIMERFD, WHENCE};
use crate::signals::read_set;
use crate::value::Value;

pub(super) fn read(name: &str, fields: &mut Fields<'_>) -> Read {
    let syscall = match name {
        "dup" => Syscall::Dup { fd: fields.fd()? },
        "dup2" => Syscall::Dup2 {
            fd: fields.fd()?,
            new_fd: fields.fd()?,
        },
        "dup3" => Syscall::Dup3 {
            fd: fields.fd()?,
            new_fd: fields.fd()?,
            flags: fields.named_u32(&OPEN)?,
        },
        "fcntl" | "fcntl64" => Syscall::Fcntl {
            fd: fields.fd()?,
            cmd: read_fcntl(fields)?,
        },
        "close" => Syscall::Close { fd: fields.fd()? },
        "close_range" => Syscall::CloseRange {
            first: fields.u32()?,
            last: fields.u32()?,
            flags: fields.named_u32(&CLOSE_RANGE)?,
        },
        "ioctl" => return read_ioctl(fields),
        "pipe" | "pipe2" => return read_pipe(name, fields),
        "eventfd" => Syscall::Eventfd2 {
            count: fields.u32()?,
            flags: 0,
        },
        "eventfd2" => Syscall::Eventfd2 {
            count: fields.u32()?,
            flags: fields.named_u32(&EVENTFD)?,
        },
        "timerfd_create" => Syscall::TimerfdCreate {
            clock: fields.named_i32(&CLOCKS)?,
            flags: fields.named_u32(&TIMERFD)?,
        },
        "timerfd_settime" | "timerfd_gettime" => return read_timer(name, fields),
        "signalfd" | "signalfd4" => read_signalfd(name, fields)?,
        "open" | "openat" | "openat2" | "creat" => read_open(name, fields)?,
        "read" | "readv" => return read_read(name, fields),
        "write" | "writev" => read_write(name, fields)?,
        "lseek" => Syscall::Lseek {
            fd: fields.fd()?,
            offset: fields.u64()?.cast_signed(),
            whence: fields.named_i32(&WHENCE)?,
        },
        "io_uring_setup" => Syscall::IoUringSetup {
            entries: fields.u32()?,
        },
        "io_uring_register" => read_register(fields)?,
        _ => return Err(Fault::Unmodelled),
    };
    Ok((syscall, Out::None))
}

fn read_pipe(name: &str, fields: &mut Fields<'_>) -> Read {
    let ends = fields.next()?;
    let flags = if name == "pipe2" {
        read_open_flags(&fields.next()?)?
    } else {
        0
    };
    let out = match fields.success() {
        Some(0) => Out::Pair(read_pair(&ends)?),
        _ => Out::None,
    };
    Ok((Syscall::Pipe2 { flags }, out))
}

/// Reads `[3, 4]`.
pub(super) fn read_pair(ends: &Field<'_>) -> Result<[Fd; 2], Fault> {
    let pair = ends.value.elements().and_then(|elements| match elements {
        [first, second] => Some([Fd(first.fd()?), Fd(second.fd()?)]),
        _ => None,
    });
    pair.ok_or_else(|| ends.expected("two fds"))
}

fn read_timer(name: &str, fields: &mut Fields<'_>) -> Read {
    let fd = fields.fd()?;
    let mut out = Out::None;
    if name == "timerfd_gettime" {
        let now = fields.next()?;
        if fields.success() == Some(0) {
            out = Out::Timer(read_timer_spec(&now)?);
        }
        return Ok((Syscall::TimerfdGettime { fd }, out));
    }
    let flags = fields.named_u32(&TIMERFD)?;
    let new = read_timer_spec(&fields.next()?)?;
    let old = fields
        .next_if()?
        .filter(|old| old.value.field("it_value").is_some());
    if let (Some(0), Some(old)) = (fields.success(), old) {
        out = Out::Timer(read_timer_spec(&old)?);
    }
    Ok((Syscall::TimerfdSettime { fd, flags, new }, out))
}

/// Reads a timer's setting; the model has no invalid ones.
fn read_timer_spec(spec: &Field<'_>) -> Result<TimerSpec, Fault> {
    if spec.value.number().is_some() || spec.value.is_null() {
        return Err(spec.unmodelled(ADDRESS));
    }
    const NO_TIME: &str = "a time that is negative, too long or not valid is not modelled";
    let nanoseconds = |name, index| {
        let (sec, nsec) = read_timespec(spec, field(spec, &spec.value, name, index)?)?;
        let sec = u64::try_from(sec).map_err(|_| spec.unmodelled(NO_TIME))?;
        let nsec = u64::try_from(nsec)
            .ok()
            .filter(|nsec| *nsec < 1_000_000_000)
            .ok_or_else(|| spec.unmodelled(NO_TIME))?;
        sec.checked_mul(1_000_000_000)
            .and_then(|total| total.checked_add(nsec))
            .ok_or_else(|| spec.unmodelled(NO_TIME))
    };
    Ok(TimerSpec {
        interval_ns: nanoseconds("it_interval", 0)?,
        value_ns: nanoseconds("it_value", 1)?,
    })
}

fn read_signalfd(name: &str, fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    let fd = fields.fd()?;
    let mask = fields.next()?;
    let mask = match read_set(&mask.value) {
        Some(set) => set,
        None if mask.value.number().is_some() || mask.value.is_null() => {
            return Err(mask.unmodelled(ADDRESS));
        }
        None => return Err(mask.expected("a set of signals")),
    };
    fields.skip()?;
    let flags = if name == "signalfd4" {
        fields.named_u32(&SIGNALFD)?
    } else {
        0
    };
    Ok(Syscall::Signalfd4 { fd, mask, flags })
}

fn read_register(fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    let ring = fields.fd()?;
    let command = fields.next()?;
    match command.value.bare() {
        Value::Name("IORING_REGISTER_FILES") | Value::Number(2) => {
            let files = fields.next()?;
            let elements = match files.value.elements() {
                Some(elements) => elements,
                None if files.value.number().is_some() || files.value.is_null() => {
                    return Err(files.unmodelled(ADDRESS));
                }
                None => return Err(files.expected("fds")),
            };
            let fds: Option<Vec<Fd>> = elements.iter().map(|file| file.fd().map(Fd)).collect();
            let files = fds.ok_or_else(|| files.expected("fds"))?;
            Ok(Syscall::IoUringRegisterFiles { ring, files })
        }
        Value::Name("IORING_UNREGISTER_FILES") | Value::Number(3) => {
            Ok(Syscall::IoUringUnregisterFiles { ring })
        }
        _ => Err(command.unmodelled("this command is not modelled")),
    }
}
