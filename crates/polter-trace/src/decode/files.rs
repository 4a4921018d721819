//! Files: made, opened, duplicated, closed, read and written.
//!
//! What a file is must be guessed from its path. What a read gave is a counter if the
//! fd is an eventfd or a timerfd (`-y`), or, without `-y`, if eight bytes came; it is a
//! list of signals if it looks like one.

use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, Out, PathKind, TimerSpec};
use eventpoll::{Fd, Syscall};

use super::Read;
use super::epoll::read_timespec;
use super::fields::{Fault, Field, Fields, field};
use crate::decoration::DecorationKind;
use crate::encode::DEVICE;
use crate::names::{
    CLOCKS, CLOSE_RANGE, EVENTFD, F_DUPFD_QUERY, FCNTL, FD_FLAGS, IOCTL, OPEN, OPEN_ACCESS,
    SIGNALFD, TIMERFD, WHENCE,
};
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

fn read_fcntl(fields: &mut Fields<'_>) -> Result<Fcntl, Fault> {
    let command = fields.next()?;
    let number = match command.value.bare() {
        Value::Name("F_DUPFD_QUERY") => F_DUPFD_QUERY,
        Value::Name(name) if FCNTL.value(name).is_none() => return Err(Fault::Unmodelled),
        _ => command.named(&FCNTL)?,
    };
    Ok(match number {
        0 => Fcntl::DupFd(fields.i32()?),
        1 => Fcntl::GetFd,
        2 => Fcntl::SetFd(fields.named_u32(&FD_FLAGS)?),
        3 => Fcntl::GetFl,
        4 => Fcntl::SetFl(read_open_flags(&fields.next()?)?),
        1030 => Fcntl::DupFdCloexec(fields.i32()?),
        1031 => Fcntl::SetPipeSize(fields.u32()?),
        1032 => Fcntl::GetPipeSize,
        F_DUPFD_QUERY => Fcntl::DupFdQuery(fields.fd()?),
        other => Fcntl::Other(other as i32),
    })
}

fn read_ioctl(fields: &mut Fields<'_>) -> Read {
    let fd = fields.fd()?;
    let request = fields.next()?;
    let number = match request.value.bare() {
        Value::Function("_IOC", parts) => {
            read_ioc(parts).ok_or_else(|| request.expected("_IOC of four numbers"))?
        }
        Value::Name(name) => match IOCTL.value(name) {
            Some(number) => number as u32,
            None => return Err(Fault::Unmodelled),
        },
        Value::Number(_) => request.i32()?.cast_unsigned(),
        // Several names that share a number: `TCGETS or SNDCTL_TMR_TIMEBASE`.
        _ => return Err(Fault::Unmodelled),
    };
    let mut out = Out::None;
    let request = match number {
        0x5421 => Ioctl::Fionbio(read_bool(fields)?),
        0x5450 => Ioctl::Fionclex,
        0x5451 => Ioctl::Fioclex,
        0x541b => {
            if let (Some(0), Some(room)) = (fields.success(), fields.next_if()?) {
                let available = room
                    .value
                    .elements()
                    .and_then(|it| it.first())
                    .and_then(Value::number);
                out = available.map_or(Out::None, |available| Out::Available(available as u32));
            }
            Ioctl::Fionread
        }
        0x4008_8a01 => match fields.next()? {
            // strace 6.1 prints an address: the settings are not known.
            params if params.value.number().is_some() => Ioctl::Other(number),
            params => Ioctl::SetEpollParams(read_params(&params)?),
        },
        0x8008_8a02 => {
            let params = fields
                .next_if()?
                .filter(|params| params.value.field("busy_poll_usecs").is_some());
            if let (Some(0), Some(params)) = (fields.success(), params) {
                out = Out::Params(read_params(&params)?);
            }
            Ioctl::GetEpollParams
        }
        eventpoll::EPIOCADOPT => Ioctl::EpollAdopt,
        0x7001 => Ioctl::ExportBuffer,
        0x7002 => Ioctl::AddFence,
        0x7003 => Ioctl::SignalFence,
        other => Ioctl::Other(other),
    };
    Ok((Syscall::Ioctl { fd, request }, out))
}

/// Reads `_IOC(_IOC_READ|_IOC_WRITE, 0x8a, 0x1, 0x8)`.
fn read_ioc(parts: &[Value<'_>]) -> Option<u32> {
    let [direction, kind, number, size] = parts else {
        return None;
    };
    let one = |value: &Value<'_>| match value {
        Value::Name("_IOC_NONE") => Some(0),
        Value::Name("_IOC_WRITE") => Some(1),
        Value::Name("_IOC_READ") => Some(2),
        value => value.number().and_then(|bits| u32::try_from(bits).ok()),
    };
    let direction = match direction {
        Value::Flags(parts) => parts
            .iter()
            .try_fold(0, |bits, part| Some(bits | one(part)?))?,
        value => one(value)?,
    };
    Some(
        direction << 30
            | (one(size)? & 0x3fff) << 16
            | (one(kind)? & 0xff) << 8
            | one(number)? & 0xff,
    )
}

fn read_bool(fields: &mut Fields<'_>) -> Result<bool, Fault> {
    let pointer = fields.next()?;
    let number = pointer
        .value
        .elements()
        .and_then(|elements| elements.first())
        .and_then(Value::number);
    match number {
        Some(number) => Ok(number != 0),
        None if pointer.value.number().is_some() || pointer.value.is_null() => {
            Err(Fault::Unmodelled)
        }
        None => Err(pointer.expected("[0] or [1]")),
    }
}

fn read_params(params: &Field<'_>) -> Result<EpollParams, Fault> {
    let number = |name, index| {
        let number = field(params, &params.value, name, index)?.number();
        number.ok_or_else(|| params.expected("numbers"))
    };
    Ok(EpollParams {
        busy_poll_usecs: number("busy_poll_usecs", 0)? as u32,
        busy_poll_budget: number("busy_poll_budget", 1)? as u16,
        prefer_busy_poll: number("prefer_busy_poll", 2)? as u8,
        pad: number("__pad", 3).unwrap_or(0) as u8,
    })
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
        return Err(Fault::Unmodelled);
    }
    let nanoseconds = |name, index| {
        let (sec, nsec) = read_timespec(spec, field(spec, &spec.value, name, index)?)?;
        let sec = u64::try_from(sec).map_err(|_| Fault::Unmodelled)?;
        let nsec = u64::try_from(nsec)
            .ok()
            .filter(|nsec| *nsec < 1_000_000_000)
            .ok_or(Fault::Unmodelled)?;
        sec.checked_mul(1_000_000_000)
            .and_then(|total| total.checked_add(nsec))
            .ok_or(Fault::Unmodelled)
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
            return Err(Fault::Unmodelled);
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
        value if value.number().is_some() || value.is_null() => return Err(Fault::Unmodelled),
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
    } else if is_directory {
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
    const PLAIN: [&[u8]; 4] = [b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/urandom"];
    let is_in = |directory: &[u8]| path.starts_with(directory);
    if is_in(b"/proc/") {
        is_in(b"/proc/sys/") || path.ends_with(b"/mounts") || path.ends_with(b"/mountinfo")
    } else {
        is_in(b"/sys/") || is_in(b"/dev/") && !is_in(b"/dev/shm/") && !PLAIN.contains(&path)
    }
}

fn read_open_flags(flags: &Field<'_>) -> Result<u32, Fault> {
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

fn read_read(name: &str, fields: &mut Fields<'_>) -> Read {
    let file = fields.next()?;
    let fd = file.fd()?;
    let buffer = fields.next()?;
    if name == "readv" {
        let len = read_vector(&buffer)?;
        return Ok((Syscall::Read { fd, len }, Out::None));
    }
    let len = fields.u64()?;
    let bytes = match &buffer.value {
        Value::Text(text) => text.unescape(),
        _ => Vec::new().into(),
    };
    let out = fields
        .success()
        .map_or(Out::None, |count| read_out(&file, &bytes, count));
    Ok((Syscall::Read { fd, len }, out))
}

fn read_out(file: &Field<'_>, bytes: &[u8], count: i64) -> Out {
    let kind = file.value.decoration().map(|decoration| decoration.kind);
    let name = match kind {
        Some(DecorationKind::AnonInode(name)) => name,
        // No anonymous inode: bytes the model does not keep.
        Some(_) => return Out::None,
        None => b"",
    };
    let is_counter = matches!(name, b"" | b"eventfd" | b"timerfd");
    if let (true, 8, Ok(counter)) = (is_counter, count, bytes.try_into()) {
        return Out::Counter(u64::from_ne_bytes(counter));
    }
    let is_signals = matches!(name, b"" | b"signalfd");
    match read_signals(bytes, count) {
        Some(signals) if is_signals => Out::Signals(signals),
        _ => Out::None,
    }
}

/// Reads the numbers out of `struct signalfd_siginfo`s, as far as strace printed them.
fn read_signals(bytes: &[u8], count: i64) -> Option<Vec<u32>> {
    const SIZE: usize = 128;
    if count <= 0 || count % SIZE as i64 != 0 {
        return None;
    }
    let mut signals = Vec::new();
    for info in bytes.chunks(SIZE) {
        let Some((head, _)) = info.split_first_chunk::<8>() else {
            break;
        };
        let [number, errno] =
            [&head[..4], &head[4..]].map(|word| word.try_into().map(u32::from_ne_bytes));
        match (number, errno) {
            (Ok(number @ 1..=64), Ok(0)) => signals.push(number),
            _ => return None,
        }
    }
    (!signals.is_empty()).then_some(signals)
}

fn read_write(name: &str, fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    let fd = fields.fd()?;
    let buffer = fields.next()?;
    let (bytes, len) = match name {
        "writev" => {
            let first = buffer
                .value
                .elements()
                .and_then(|elements| elements.first());
            (
                first.and_then(|first| first.field("iov_base")),
                read_vector(&buffer)?,
            )
        }
        _ => (Some(&buffer.value), fields.u64()?),
    };
    let first = bytes.map_or(0, |bytes| first_bytes(bytes, len));
    Ok(Syscall::Write { fd, len, first })
}

/// Returns the first eight bytes of a string, in native order; what is missing is 0.
fn first_bytes(buffer: &Value<'_>, len: u64) -> u64 {
    let mut first = [0; 8];
    let room = usize::try_from(len).map_or(8, |len| len.min(8));
    if let Value::Text(text) = buffer {
        for (to, from) in first[..room].iter_mut().zip(text.unescape().iter()) {
            *to = *from;
        }
    }
    u64::from_ne_bytes(first)
}

/// Sums up `[{iov_base="ab", iov_len=2}, …]`.
pub(super) fn read_vector(vector: &Field<'_>) -> Result<u64, Fault> {
    match vector.value.elements() {
        Some(elements) => Ok(vector_len(elements)),
        None if vector.value.number().is_some() || vector.value.is_null() => Err(Fault::Unmodelled),
        None => Err(vector.expected("buffers")),
    }
}

pub(super) fn vector_len(elements: &[Value<'_>]) -> u64 {
    let lens = elements
        .iter()
        .filter_map(|element| element.field("iov_len")?.number());
    lens.fold(0, |sum, len| {
        sum.saturating_add(u64::try_from(len).unwrap_or(0))
    })
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
                    return Err(Fault::Unmodelled);
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
        _ => Err(Fault::Unmodelled),
    }
}
