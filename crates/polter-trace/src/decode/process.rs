//! Processes: made, replaced, ended, signalled, compared.

use eventpoll::syscall::{Kcmp, Out, SigAction};
use eventpoll::{Fd, Syscall};

use super::Read;
use super::fields::{ADDRESS, Fault, Field, Fields, field, named};
use crate::names::{CLONE, Names, PIDFD, SIG_HOW, WAIT};
use crate::signals::{read_set, signal_number};
use crate::value::Value;

pub(super) fn read(name: &str, fields: &mut Fields<'_>) -> Read {
    let syscall = match name {
        "fork" => Syscall::Fork,
        "vfork" => Syscall::Vfork,
        "clone" => return read_clone(fields),
        "clone3" => return read_clone3(fields),
        "unshare" => Syscall::Unshare {
            flags: fields.named(&CLONE)?,
        },
        "execve" | "execveat" => Syscall::Execve,
        "exit" => Syscall::Exit {
            status: fields.i32()?,
        },
        "exit_group" => Syscall::ExitGroup {
            status: fields.i32()?,
        },
        "kill" => Syscall::Kill {
            pid: fields.pid()?,
            signal: read_signal(fields)?,
        },
        "tgkill" => Syscall::Tgkill {
            pid: fields.pid()?,
            tid: fields.pid()?,
            signal: read_signal(fields)?,
        },
        "rt_sigprocmask" => return read_sigprocmask(fields),
        "rt_sigaction" => read_sigaction(fields)?,
        "wait4" => return read_wait(fields),
        "getpid" => Syscall::Getpid,
        "prlimit64" | "setrlimit" => read_limit(name, fields)?,
        "pidfd_open" => Syscall::PidfdOpen {
            pid: fields.pid()?,
            flags: fields.named_u32(&PIDFD)?,
        },
        "pidfd_getfd" => Syscall::PidfdGetfd {
            pidfd: fields.fd()?,
            target: fields.fd()?,
            flags: fields.u32()?,
        },
        _ => read_kcmp(fields)?,
    };
    Ok((syscall, Out::None))
}

/// The bits of `clone(2)`'s flags that are the exit signal. Linux: `CSIGNAL`.
const EXIT_SIGNAL: u64 = 0xff;

/// Reads `clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD, parent_tid=[7])`; under
/// `-e raw`, the flags come first and nothing has a name.
fn read_clone(fields: &mut Fields<'_>) -> Read {
    let first = fields.next()?;
    let mut flags = None;
    let mut parent_tid = None;
    if first.name() == Some("child_stack") {
        while let Some(field) = fields.next_if()? {
            match field.name() {
                Some("flags") => flags = Some(read_clone_flags(&field, &field.value)?),
                Some("parent_tid") => parent_tid = Some(field),
                _ => {}
            }
        }
    } else {
        flags = Some(read_clone_flags(&first, &first.value)?);
    }
    let flags = flags.ok_or_else(|| first.expected("flags"))?;
    let pidfd = parent_tid.as_ref().map(|field| &field.value);
    let out = read_pidfd(fields, flags, pidfd);
    Ok((Syscall::Clone { flags }, out))
}

fn read_clone3(fields: &mut Fields<'_>) -> Read {
    let args = fields.next()?;
    if args.value.number().is_some() || args.value.is_null() {
        return Err(args.unmodelled(ADDRESS));
    }
    let (given, written) = match &args.value {
        Value::Change(change) => (change.before.as_ref(), Some(&change.after)),
        value => (Some(value), None),
    };
    let given = given.ok_or_else(|| args.expected("a structure"))?;
    let flags = field(&args, given, "flags", 0)?;
    let flags = named(flags, &CLONE).map_err(|what| args.expected(what))?;
    let out = read_pidfd(
        fields,
        flags,
        written.and_then(|written| written.field("pidfd")),
    );
    Ok((Syscall::Clone { flags }, out))
}

/// Reads flags without the exit signal that strace prints among them.
fn read_clone_flags(of: &Field<'_>, value: &Value<'_>) -> Result<u64, Fault> {
    match value.bare() {
        Value::Number(number) => Ok(*number as u64 & !EXIT_SIGNAL),
        Value::Name(name) if signal_number(name).is_some() => Ok(0),
        Value::Flags(parts) => parts
            .iter()
            .try_fold(0, |bits, part| Ok(bits | read_clone_flags(of, part)?)),
        value => named(value, &CLONE).map_err(|what| of.expected(what)),
    }
}

fn read_pidfd(fields: &Fields<'_>, flags: u64, pidfd: Option<&Value<'_>>) -> Out {
    let is_asked = flags & eventpoll::syscall::flags::CLONE_PIDFD != 0;
    let pidfd = pidfd.and_then(|pidfd| pidfd.elements()?.first()?.fd());
    match pidfd {
        Some(pidfd) if is_asked && fields.success().is_some() => Out::Pidfd(Fd(pidfd)),
        _ => Out::None,
    }
}

pub(super) fn read_signal(fields: &mut Fields<'_>) -> Result<u32, Fault> {
    let signal = fields.next()?;
    match signal.value.bare() {
        Value::Name(name) => signal_number(name).ok_or_else(|| signal.expected("a signal")),
        _ => signal.i32().map(i32::cast_unsigned),
    }
}

fn read_sigprocmask(fields: &mut Fields<'_>) -> Read {
    let how = fields.named_i32(&SIG_HOW)?;
    let set = fields.next()?;
    let (how, set) = match read_set(&set.value) {
        Some(set) => (how, set),
        // Without a set, `how` is not looked at, and nothing changes.
        None if set.value.is_null() => (0, 0),
        None if set.value.number().is_some() => return Err(set.unmodelled(ADDRESS)),
        None => return Err(set.expected("a set of signals")),
    };
    let old = fields.next_if()?.and_then(|old| read_set(&old.value));
    let out = match (fields.success(), old) {
        (Some(0), Some(old)) => Out::Mask(old),
        _ => Out::None,
    };
    Ok((Syscall::Sigprocmask { how, set }, out))
}

fn read_sigaction(fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    let signal = read_signal(fields)?;
    let action = fields.next()?;
    if action.value.is_null() || action.value.number().is_some() {
        // Asks only, or fails.
        return Err(action.unmodelled("asking for the present action is not modelled"));
    }
    let handler = field(&action, &action.value, "sa_handler", 0)?;
    let is_restarted = || {
        let flags = action.value.field("sa_flags")?;
        let restart = match flags.bare() {
            Value::Number(bits) => bits & 0x1000_0000 != 0,
            Value::Name(name) => *name == "SA_RESTART",
            Value::Flags(parts) => parts.iter().any(|part| match part.bare() {
                Value::Name(name) => *name == "SA_RESTART",
                Value::Number(bits) => bits & 0x1000_0000 != 0,
                _ => false,
            }),
            _ => return None,
        };
        Some(restart)
    };
    let action = match handler.bare() {
        Value::Name("SIG_DFL") | Value::Number(0) => SigAction::Default,
        Value::Name("SIG_IGN") | Value::Number(1) => SigAction::Ignore,
        _ => SigAction::Handler {
            restart: is_restarted().ok_or_else(|| action.expected("sa_flags"))?,
        },
    };
    Ok(Syscall::Sigaction { signal, action })
}

fn read_wait(fields: &mut Fields<'_>) -> Read {
    let pid = fields.pid()?;
    let status = fields.next()?;
    let options = fields.named_u32(&WAIT)?;
    let out = match (fields.success(), status.value.elements()) {
        (Some(1..), Some([value])) => {
            Out::Status(read_status(value).ok_or_else(|| status.expected("a status"))?)
        }
        _ => Out::None,
    };
    Ok((Syscall::Wait4 { pid, options }, out))
}

/// Reads `{WIFEXITED(s) && WEXITSTATUS(s) == 3}` and the other ways to end.
fn read_status(value: &Value<'_>) -> Option<i32> {
    let inner = match value {
        Value::Struct(fields) => &fields.first()?.value,
        value => value,
    };
    let Value::Other(text) = inner else {
        return match inner {
            Value::Function("WIFCONTINUED", _) => Some(0xffff),
            inner => inner.number().and_then(|number| i32::try_from(number).ok()),
        };
    };
    let text = str::from_utf8(text).ok()?;
    let mut parts = text.split(" && ");
    let what = parts.next()?;
    let code = parts.next()?.split_once(" == ")?.1;
    let dumped = if parts.next() == Some("WCOREDUMP(s)") {
        0x80
    } else {
        0
    };
    let signal = || {
        let number = code.split(' ').next()?;
        let number = number.parse().ok().or_else(|| signal_number(number))?;
        i32::try_from(number)
            .ok()
            .filter(|number| (0..0x80).contains(number))
    };
    match what {
        "WIFEXITED(s)" => code.parse::<u8>().ok().map(|code| i32::from(code) << 8),
        "WIFSIGNALED(s)" => Some(signal()? | dumped),
        "WIFSTOPPED(s)" => Some(signal()? << 8 | 0x7f),
        _ => None,
    }
}

fn read_limit(name: &str, fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    static RESOURCES: Names = Names::new("RLIMIT_???", &[("RLIMIT_NOFILE", 7)]);
    if name == "prlimit64" {
        let pid = fields.next()?;
        if pid.i32()? != 0 {
            return Err(pid.unmodelled("another process's limit is not modelled"));
        }
    }
    let resource = fields.next()?;
    let is_files = named(&resource.value, &RESOURCES) == Ok(7);
    let limits = fields.next()?;
    if !is_files {
        return Err(resource.unmodelled("of the limits RLIMIT_NOFILE alone is modelled"));
    }
    if limits.value.is_null() || limits.value.number().is_some() {
        return Err(limits.unmodelled("asking for the present limits is not modelled"));
    }
    let limit = |name, index| {
        let limit = read_size(field(&limits, &limits.value, name, index)?);
        limit.ok_or_else(|| limits.expected("a limit"))
    };
    Ok(Syscall::SetNofile {
        soft: limit("rlim_cur", 0)?,
        hard: limit("rlim_max", 1)?,
    })
}

/// Reads `20000`, `8*1024`, `RLIM64_INFINITY`.
fn read_size(value: &Value<'_>) -> Option<u64> {
    match value.bare() {
        Value::Name("RLIM64_INFINITY" | "RLIM_INFINITY") => Some(u64::MAX),
        Value::Other(text) => {
            let (count, unit) = str::from_utf8(text).ok()?.split_once('*')?;
            count.parse::<u64>().ok()?.checked_mul(unit.parse().ok()?)
        }
        value => u64::try_from(value.number()?).ok(),
    }
}

fn read_kcmp(fields: &mut Fields<'_>) -> Result<Syscall, Fault> {
    static KINDS: Names = Names::new(
        "KCMP_???",
        &[("KCMP_FILE", 0), ("KCMP_FILES", 2), ("KCMP_EPOLL_TFD", 7)],
    );
    let pid1 = fields.pid()?;
    let pid2 = fields.pid()?;
    let kind = fields.next()?;
    let what = match named(&kind.value, &KINDS) {
        Ok(0) => Kcmp::File {
            fd1: fields.fd()?,
            fd2: fields.fd()?,
        },
        Ok(2) => Kcmp::Files,
        Ok(7) => {
            let fd1 = fields.fd()?;
            let slot = fields.next()?;
            if slot.value.number().is_some() || slot.value.is_null() {
                return Err(slot.unmodelled(ADDRESS));
            }
            let fd = |name, index| {
                let fd = field(&slot, &slot.value, name, index)?.fd();
                fd.map(Fd).ok_or_else(|| slot.expected("fds"))
            };
            Kcmp::EpollTfd {
                fd1,
                efd: fd("efd", 0)?,
                tfd: fd("tfd", 1)?,
                toff: fd("toff", 2)?.0.cast_unsigned(),
            }
        }
        // KCMP_VM, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM compare what is not modelled.
        Ok(1 | 3..=6) => return Err(kind.unmodelled("what this kind compares is not modelled")),
        Ok(other) => Kcmp::Other(other as i32),
        Err(_) => return Err(kind.unmodelled("what this kind compares is not modelled")),
    };
    Ok(Syscall::Kcmp { pid1, pid2, what })
}
