//! Files: made, opened, duplicated, closed.
//!
//! What a file is must be guessed from its path.

use eventpoll::syscall::{Out, PathKind, TimerSpec};
use eventpoll::{Fd, Syscall};

use super::Read;
use super::bytes::{read_read, read_write};
use super::control::{read_fcntl, read_ioctl};
use super::epoll::read_timespec;
use super::fields::{ADDRESS, Fault, Field, Fields, field};
use crate::encode::DEVICE;
use crate::names::{CLOCKS, CLOSE_RANGE, EVENTFD, OPEN, OPEN_ACCESS, SIGNALFD, TIMERFD, WHENCE};
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

fn read_open(name: &str, fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    if name.starts_with("openat") {
        fields.skip()?;
    }
    let path = fields.next()?;
    let flags = match name {
        "creat" => 0o1101,
        "openat2" => {
            let how = fields.next()?;
            let flags = field(&how, &how.value, "flags", 0)?;
            read_open_bits(flags).ok_or_else(|| how.expected("flags"))?
        }
        _ => read_open_flags(&fields.next()?)?,
    };
    let text = match &path.value {
        Value::Text(text) => text.unescape(),
        value if value.number().is_some() || value.is_null() => {
            return Err(path.unmodelled(ADDRESS));
        }
        _ => return Err(path.expected("a path")),
    };
    Ok(Syscall::Open {
        path: path_kind(&text, flags),
        flags,
    })
}

/// Guesses what a path names.
fn path_kind(path: &[u8], flags: u32) -> PathKind {
    const O_DIRECTORY: u32 = 0o200_000;
    const O_TMPFILE: u32 = 0o20_000_000;
    let is_directory = flags & O_TMPFILE == 0 && (flags & O_DIRECTORY != 0 || path.ends_with(b"/"));
    if path == DEVICE.as_bytes() {
        PathKind::Device
    } else if path == b"/dev/null" {
        PathKind::Null
    } else if path == b"/dev/zero" {
        PathKind::Zero
    } else if is_directory || path == b"/tmp" {
        PathKind::Directory
    } else if has_poll(path) {
        PathKind::Pollable
    } else {
        PathKind::Regular
    }
}

/// True for the files that epoll takes.
fn has_poll(path: &[u8]) -> bool {
    // These devices have no poll of their own: epoll refuses them like regular files.
    const PLAIN: [&[u8]; 2] = [b"/dev/full", b"/dev/urandom"];
    let is_in = |directory: &[u8]| path.starts_with(directory);
    if is_in(b"/proc/") {
        is_in(b"/proc/sys/") || path.ends_with(b"/mounts") || path.ends_with(b"/mountinfo")
    } else {
        is_in(b"/sys/") || is_in(b"/dev/") && !is_in(b"/dev/shm/") && !PLAIN.contains(&path)
    }
}

pub(super) fn read_open_flags(flags: &Field<'_>) -> Result<u32, Fault> {
    read_open_bits(&flags.value).ok_or_else(|| flags.expected("flags"))
}

fn read_open_bits(flags: &Value<'_>) -> Option<u32> {
    match flags.bare() {
        Value::Number(number) => Some(*number as u32),
        Value::Name(name) => OPEN_ACCESS
            .value(name)
            .or_else(|| OPEN.value(name))
            .map(|bits| bits as u32),
        Value::Flags(parts) => parts
            .iter()
            .try_fold(0, |bits, part| Some(bits | read_open_bits(part)?)),
        _ => None,
    }
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
