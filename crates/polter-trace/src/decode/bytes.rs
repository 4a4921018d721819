//! Reading and writing.
//!
//! What a read gave is a counter if the fd is an eventfd or a timerfd (`-y`), or, without
//! `-y`, if eight bytes came; it is a list of signals if it looks like one.

use eventpoll::Syscall;
use eventpoll::syscall::{Out, Piece};

use super::Read;
use super::fields::{ADDRESS, Fault, Field, Fields};
use crate::decoration::DecorationKind;
use crate::value::Value;

pub(super) fn read_read(name: &str, fields: &mut Fields<'_>) -> Read {
    let file = fields.next()?;
    let fd = file.fd()?;
    let buffer = fields.next()?;
    if name == "readv" {
        let lens = read_vector(&buffer)?.iter().map(piece_len).collect();
        return Ok((Syscall::Readv { fd, lens }, Out::None));
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

pub(super) fn read_write(name: &str, fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    let fd = fields.fd()?;
    let buffer = fields.next()?;
    if name == "writev" {
        let pieces = read_vector(&buffer)?.iter().map(|piece| {
            let len = piece_len(piece);
            let bytes = piece.field("iov_base");
            let first = bytes.map_or(0, |bytes| first_bytes(bytes, len));
            Piece { len, first }
        });
        return Ok(Syscall::Writev {
            fd,
            pieces: pieces.collect(),
        });
    }
    let len = fields.u64()?;
    let first = first_bytes(&buffer.value, len);
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

/// Reads the pieces of `[{iov_base="ab", iov_len=2}, …]`.
fn read_vector<'v, 'a>(vector: &'v Field<'a>) -> Result<&'v [Value<'a>], Fault> {
    match vector.value.elements() {
        Some(elements) => Ok(elements),
        None if vector.value.number().is_some() || vector.value.is_null() => {
            Err(vector.unmodelled(ADDRESS))
        }
        None => Err(vector.expected("buffers")),
    }
}

/// The length of all pieces together.
pub(super) fn vector_len(elements: &[Value<'_>]) -> u64 {
    let lens = elements.iter().map(piece_len);
    lens.fold(0, u64::saturating_add)
}

fn piece_len(piece: &Value<'_>) -> u64 {
    let len = piece.field("iov_len").and_then(Value::number);
    len.and_then(|len| u64::try_from(len).ok()).unwrap_or(0)
}
