//! `fcntl` and `ioctl`: one call each, with many commands.

use eventpoll::Syscall;
use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, Out};

use super::Read;
use super::fields::{ADDRESS, Fault, Field, Fields, field};
use super::open::read_open_flags;
use super::process::read_signal;
use crate::names::{F_DUPFD_QUERY, FCNTL, FD_FLAGS, IOCTL};
use crate::value::Value;

pub(super) fn read_fcntl(fields: &mut Fields<'_>) -> Result<Fcntl, Fault> {
    let command = fields.next()?;
    let number = match command.value.bare() {
        Value::Name("F_DUPFD_QUERY") => F_DUPFD_QUERY,
        Value::Name(name) if FCNTL.value(name).is_none() => {
            return Err(command.unmodelled("this command is not modelled"));
        }
        _ => command.named(&FCNTL)?,
    };
    Ok(match number {
        0 => Fcntl::DupFd(fields.i32()?),
        1 => Fcntl::GetFd,
        2 => Fcntl::SetFd(fields.named_u32(&FD_FLAGS)?),
        3 => Fcntl::GetFl,
        4 => Fcntl::SetFl(read_open_flags(&fields.next()?)?),
        1030 => Fcntl::DupFdCloexec(fields.i32()?),
        8 => Fcntl::SetOwn(fields.i32()?),
        9 => Fcntl::GetOwn,
        10 => Fcntl::SetSig(read_signal(fields)?.cast_signed()),
        11 => Fcntl::GetSig,
        1025 => Fcntl::GetLease,
        1026 => Fcntl::Notify(fields.u32()?),
        1031 => Fcntl::SetPipeSize(fields.u32()?),
        1032 => Fcntl::GetPipeSize,
        F_DUPFD_QUERY => Fcntl::DupFdQuery(fields.fd()?),
        other => Fcntl::Other(other as i32),
    })
}

pub(super) fn read_ioctl(fields: &mut Fields<'_>) -> Read {
    let fd = fields.fd()?;
    let request = fields.next()?;
    let number = match request.value.bare() {
        Value::Function("_IOC", parts) => {
            read_ioc(parts).ok_or_else(|| request.expected("_IOC of four numbers"))?
        }
        Value::Name(name) => match IOCTL.value(name) {
            Some(number) => number as u32,
            None => return Err(request.unmodelled("this request is not modelled")),
        },
        Value::Number(_) => request.i32()?.cast_unsigned(),
        // Several names that share a number: `TCGETS or SNDCTL_TMR_TIMEBASE`.
        _ => return Err(request.unmodelled("several requests have this number")),
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
            Err(pointer.unmodelled(ADDRESS))
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
