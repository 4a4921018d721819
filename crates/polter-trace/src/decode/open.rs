//! `open(2)`, `openat(2)`, `openat2(2)` and `creat(2)`: the flags, and what a path names.

use eventpoll::Syscall;
use eventpoll::syscall::PathKind;

use super::fields::{ADDRESS, Fault, Field, Fields, field};
use crate::encode::DEVICE;
use crate::names::{OPEN, OPEN_ACCESS};
use crate::value::Value;

pub(super) fn read_open(name: &str, fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
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
