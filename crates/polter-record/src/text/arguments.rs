//! The arguments of a call.

use crate::kernel::{Body, Call, Head, Spelling, spelling_of};

use super::decoration::Files;
use super::words;

/// `struct epoll_event` is packed on x86-64 only.
const EVENT: usize = if cfg!(target_arch = "x86_64") { 12 } else { 16 };
const DATA: usize = EVENT - 8;

/// `IORING_REGISTER_FILES`
const REGISTER_FILES: u64 = 2;

/// Which part of a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All arguments, of a call that has returned.
    Whole,
    /// What is known when it begins.
    Beginning,
    /// The rest.
    Rest,
}

/// Writes the arguments of a call, separated by commas.
pub(super) fn write(
    out: &mut Vec<u8>,
    files: &mut Files,
    head: &Head,
    call: &Call<'_>,
    part: Part,
) {
    let spellings = spelling_of(head.number);
    // Where what the call reports begins, if it reports something.
    let reports_at = spellings
        .iter()
        .position(|it| *it == Spelling::Events)
        .unwrap_or(spellings.len());
    let range = match part {
        Part::Whole => 0..spellings.len(),
        Part::Beginning => 0..reports_at,
        Part::Rest => reports_at..spellings.len(),
    };
    let first = range.start;
    for at in range.clone() {
        if at > first {
            out.extend_from_slice(b", ");
        }
        if !one(out, files, head, call, at, spellings[at]) {
            return;
        }
    }
    if part == Part::Beginning && reports_at < spellings.len() {
        out.extend_from_slice(b", ");
    }
}

/// Writes one argument; false if no other one follows.
fn one(
    out: &mut Vec<u8>,
    files: &mut Files,
    head: &Head,
    call: &Call<'_>,
    at: usize,
    spelling: Spelling,
) -> bool {
    let value = call.arguments.get(at).copied().unwrap_or(0);
    let int = value as i32;
    match spelling {
        Spelling::Fd if int == head.fd => files.write(out, int, head.file),
        Spelling::Fd | Spelling::BareFd | Spelling::Int => words::decimal(out, int.into()),
        Spelling::Unsigned => words::decimal(out, i64::from(value as u32)),
        Spelling::Directory if int == libc::AT_FDCWD => out.extend_from_slice(b"AT_FDCWD"),
        Spelling::Directory => words::decimal(out, int.into()),
        Spelling::Hex if value == 0 => out.push(b'0'),
        Spelling::Hex => words::hex(out, value),
        Spelling::Named(names) => words::named(out, names, value as u32),
        Spelling::Event => event_at(out, call, value),
        Spelling::Events => reported(out, head, call),
        Spelling::Pair => pair(out, files, head, call),
        Spelling::Message => message(out, call, value),
        Spelling::Command => return words::command(out, value as u32),
        Spelling::Mask => mask(out, call),
        Spelling::Fds => fds(out, call, value),
        Spelling::Child => child(out, call, value),
        Spelling::Left => out.extend_from_slice(b"..."),
    }
    true
}

fn bytes<'a>(call: &Call<'a>) -> &'a [u8] {
    match call.body {
        Body::Bytes(bytes) => bytes,
        Body::Files(_) | Body::Closing(..) => &[],
    }
}

fn event_at(out: &mut Vec<u8>, call: &Call<'_>, pointer: u64) {
    match bytes(call).get(..EVENT) {
        Some(bytes) => event(out, bytes),
        None if pointer == 0 => out.extend_from_slice(b"NULL"),
        None => words::hex(out, pointer),
    }
}

/// `{events=EPOLLIN, data={u32=5, u64=5}}`
fn event(out: &mut Vec<u8>, bytes: &[u8]) {
    let (Some(events), Some(data)) = (int_at(bytes, 0), long_at(bytes, DATA)) else {
        return;
    };
    out.extend_from_slice(b"{events=");
    words::events(out, events);
    out.extend_from_slice(b", data={u32=");
    words::decimal(out, i64::from(data as u32));
    out.extend_from_slice(b", u64=");
    if let Ok(data) = i64::try_from(data) {
        words::decimal(out, data);
    } else {
        words::hex(out, data);
    }
    out.extend_from_slice(b"}}");
}

fn reported(out: &mut Vec<u8>, head: &Head, call: &Call<'_>) {
    if head.result <= 0 {
        match head.result {
            0 => out.extend_from_slice(b"[]"),
            _ => words::hex(out, call.arguments[1]),
        }
        return;
    }
    out.push(b'[');
    for (at, bytes) in bytes(call).chunks_exact(EVENT).enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        event(out, bytes);
    }
    if call.is_cut {
        out.extend_from_slice(b", ...");
    }
    out.push(b']');
}

fn pair(out: &mut Vec<u8>, files: &mut Files, head: &Head, call: &Call<'_>) {
    if head.result < 0 {
        return words::hex(out, call.arguments[0]);
    }
    let file = |at: usize| match call.body {
        Body::Files(files) => files[at].map_or(0, |about| about.file),
        _ => 0,
    };
    out.push(b'[');
    files.write(out, call.arguments[4] as i32, file(0));
    out.extend_from_slice(b", ");
    files.write(out, call.arguments[5] as i32, file(1));
    out.push(b']');
}

/// A message, as far as it carries files. Linux: struct cmsghdr
fn message(out: &mut Vec<u8>, call: &Call<'_>, pointer: u64) {
    let mut rest = bytes(call);
    if rest.is_empty() {
        return words::hex(out, pointer);
    }
    out.extend_from_slice(b"{msg_control=[");
    let mut is_first = true;
    while let (Some(len), Some(level), Some(kind)) =
        (long_at(rest, 0), int_at(rest, 8), int_at(rest, 12))
    {
        let Some(len) = usize::try_from(len).ok().filter(|len| *len >= 16) else {
            break;
        };
        if !is_first {
            out.extend_from_slice(b", ");
        }
        is_first = false;
        let data = rest.get(16..len.min(rest.len())).unwrap_or(&[]);
        out.extend_from_slice(b"{cmsg_len=");
        words::decimal(out, len as i64);
        if (level, kind) == (1, 1) {
            out.extend_from_slice(b", cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[");
            numbers(out, data, data.len() / 4);
            out.extend_from_slice(b"]}");
        } else {
            out.extend_from_slice(b", cmsg_level=");
            words::hex(out, level.into());
            out.extend_from_slice(b", cmsg_type=");
            words::hex(out, kind.into());
            out.push(b'}');
        }
        rest = rest.get(len.next_multiple_of(8)..).unwrap_or(&[]);
    }
    out.extend_from_slice(b"]}");
}

fn mask(out: &mut Vec<u8>, call: &Call<'_>) {
    let Some(mask) = long_at(bytes(call), 0) else {
        return words::hex(out, call.arguments[1]);
    };
    out.push(b'[');
    let mut name = Vec::new();
    for signal in (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1) {
        if out.last() != Some(&b'[') {
            out.push(b' ');
        }
        name.clear();
        words::signal(&mut name, signal);
        out.extend_from_slice(name.strip_prefix(b"SIG").unwrap_or(&name));
    }
    out.push(b']');
}

fn fds(out: &mut Vec<u8>, call: &Call<'_>, pointer: u64) {
    if call.arguments[1] != REGISTER_FILES {
        return words::hex(out, pointer);
    }
    let count = call.arguments[3].min(256) as usize;
    out.push(b'[');
    numbers(out, bytes(call), count);
    out.push(b']');
}

/// Linux: siginfo_t, whose `si_pid` is behind three words and a gap.
fn child(out: &mut Vec<u8>, call: &Call<'_>, pointer: u64) {
    match int_at(bytes(call), 16) {
        Some(pid @ 1..) => {
            out.extend_from_slice(b"{si_signo=SIGCHLD, si_pid=");
            words::decimal(out, pid.into());
            out.push(b'}');
        }
        _ => words::hex(out, pointer),
    }
}

fn numbers(out: &mut Vec<u8>, bytes: &[u8], count: usize) {
    for (at, number) in bytes.chunks_exact(4).take(count).enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        let number = int_at(number, 0).unwrap_or(0);
        words::decimal(out, number.cast_signed().into());
    }
}

fn int_at(bytes: &[u8], at: usize) -> Option<u32> {
    crate::kernel::int(bytes, at)
}

fn long_at(bytes: &[u8], at: usize) -> Option<u64> {
    crate::kernel::long(bytes, at)
}
