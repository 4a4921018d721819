//! Sockets, and messages that carry descriptors.
//!
//! `recvfrom` and `sendto` are messages without descriptors. How much room a receiver
//! had for them strace prints as `msg_controllen=24 => 16`, and only where it differs
//! from what was used.

use eventpoll::syscall::Out;
use eventpoll::{Fd, Syscall};

use super::Read;
use super::bytes::vector_len;
use super::fields::{ADDRESS, Fault, Field, Fields};
use super::files::read_pair;
use crate::names::{MESSAGE, SHUTDOWN};
use crate::sockets::{FAMILIES, KIND_FLAGS, KINDS, protocol_number};
use crate::value::Value;

pub(super) fn read(name: &str, fields: &mut Fields<'_>) -> Read {
    let syscall = match name {
        "socket" | "socketpair" => return read_socket(name, fields),
        "accept" => Syscall::Accept4 {
            fd: fields.fd()?,
            flags: 0,
        },
        "accept4" => {
            let fd = fields.fd()?;
            fields.skip()?;
            fields.skip()?;
            Syscall::Accept4 {
                fd,
                flags: fields.named_u32(&KIND_FLAGS)?,
            }
        }
        "shutdown" => Syscall::Shutdown {
            fd: fields.fd()?,
            how: fields.named_i32(&SHUTDOWN)?,
        },
        "sendto" | "recvfrom" => {
            let fd = fields.fd()?;
            fields.skip()?;
            let len = fields.u64()?;
            let flags = fields.named_u32(&MESSAGE)?;
            if name == "sendto" {
                Syscall::Sendmsg {
                    fd,
                    len,
                    rights: Vec::new(),
                    flags,
                }
            } else {
                let out = fields
                    .success()
                    .map_or(Out::None, |_| Out::Rights(Vec::new()));
                return Ok((
                    Syscall::Recvmsg {
                        fd,
                        len,
                        room: 0,
                        flags,
                    },
                    out,
                ));
            }
        }
        _ => return read_message(name, fields),
    };
    Ok((syscall, Out::None))
}

fn read_socket(name: &str, fields: &mut Fields<'_>) -> Read {
    let domain = fields.named_i32(&FAMILIES)?;
    let kind = fields.next()?;
    let kind = read_kind(&kind.value).ok_or_else(|| kind.expected("a kind of socket"))?;
    let protocol = fields.next()?;
    let protocol = match protocol.value.bare() {
        Value::Name(name) => protocol_number(name).unwrap_or(0) as i32,
        // `htons(ETH_P_ALL)` and the like: nobody here looks at it.
        Value::Function(..) => 0,
        _ => protocol.i32()?,
    };
    if name == "socket" {
        return Ok((
            Syscall::Socket {
                domain,
                kind,
                protocol,
            },
            Out::None,
        ));
    }
    let ends = fields.next()?;
    let out = match fields.success() {
        Some(0) => Out::Pair(read_pair(&ends)?),
        _ => Out::None,
    };
    Ok((
        Syscall::Socketpair {
            domain,
            kind,
            protocol,
        },
        out,
    ))
}

fn read_kind(kind: &Value<'_>) -> Option<u32> {
    match kind.bare() {
        Value::Flags(parts) => parts
            .iter()
            .try_fold(0, |bits, part| Some(bits | read_kind(part)?)),
        Value::Name(name) => KINDS
            .value(name)
            .or_else(|| KIND_FLAGS.value(name))
            .map(|bits| bits as u32),
        Value::Number(number) => Some(*number as u32),
        _ => None,
    }
}

fn read_message(name: &str, fields: &mut Fields<'_>) -> Read {
    let fd = fields.fd()?;
    let message = fields.next()?;
    let flags = fields.named_u32(&MESSAGE)?;
    if !matches!(message.value, Value::Struct(_)) {
        let is_address = message.value.number().is_some() || message.value.is_null();
        return Err(if is_address {
            message.unmodelled(ADDRESS)
        } else {
            message.expected("a message")
        });
    }
    let vector = message.value.field("msg_iov").and_then(Value::elements);
    let len = vector.map_or(0, vector_len);
    let rights = read_rights(&message)?;
    if name == "sendmsg" {
        return Ok((
            Syscall::Sendmsg {
                fd,
                len,
                rights,
                flags,
            },
            Out::None,
        ));
    }
    let room = read_room(&message.value, rights.len());
    let out = fields.success().map_or(Out::None, |_| Out::Rights(rights));
    Ok((
        Syscall::Recvmsg {
            fd,
            len,
            room,
            flags,
        },
        out,
    ))
}

/// Reads the descriptors of every `SCM_RIGHTS` in a message.
fn read_rights(message: &Field<'_>) -> Result<Vec<Fd>, Fault> {
    let mut rights = Vec::new();
    let control = message.value.field("msg_control").and_then(Value::elements);
    for header in control.unwrap_or_default() {
        let kind = header.field("cmsg_type").map(Value::bare);
        let is_rights = matches!(kind, Some(Value::Name("SCM_RIGHTS") | Value::Number(1)));
        let is_socket = header.field("cmsg_level").is_some_and(|level| {
            matches!(level.bare(), Value::Name("SOL_SOCKET") | Value::Number(1))
        });
        if !is_rights || !is_socket {
            continue;
        }
        let data = header.field("cmsg_data").and_then(Value::elements);
        for fd in data.ok_or_else(|| message.expected("descriptors"))? {
            if *fd != Value::Elided {
                rights.push(Fd(fd
                    .fd()
                    .ok_or_else(|| message.expected("descriptors"))?));
            }
        }
    }
    Ok(rights)
}

/// Returns for how many descriptors the receiver had room, at the least.
fn read_room(message: &Value<'_>, received: usize) -> u32 {
    let used = u32::try_from(received).unwrap_or(u32::MAX);
    let len = message.field("msg_controllen").and_then(|len| match len {
        Value::Change(change) => change.before.as_ref()?.number(),
        len => len.number(),
    });
    // Linux: `scm_max_fds`.
    let room = len.map_or(0, |len| (len - 16).max(0) / 4);
    used.max(u32::try_from(room).unwrap_or(u32::MAX))
}
