//! Calls as strace wrote them, turned into the model's system calls.
//!
//! A call the model does not have is `None`, never an error; a call it has, with
//! arguments that do not fit, is an error with a column. What the text leaves out is
//! filled in: see each family's file for how.

mod bytes;
mod control;
mod epoll;
mod exact;
mod fields;
mod files;
mod messages;
mod open;
mod process;

use eventpoll::syscall::{Out, Return};
use eventpoll::{Errno, Outcome, Syscall};

use crate::call::{Call, Unfinished};
use crate::error::{ErrorKind, ParseError};
use crate::result::{ReturnValue, Returned};
use fields::{Fault, Fields};

pub use exact::{Inexact, decode_entry_exact, decode_exact};

/// A call the model has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What the program asked.
    pub syscall: Syscall,
    /// What it was told; `None` if the model has no word for it: an interrupted call
    /// (`? ERESTARTSYS`), or an error that the model does not know.
    pub outcome: Option<Outcome>,
}

/// What a family's reader makes of a call: the call, and what the kernel wrote.
type Read = Result<(Syscall, Out), Fault>;

/// Reads a whole call, joined if it was cut.
///
/// `Ok(None)` says that the model does not have it: another system call, a variant of a
/// known one that does nothing the model keeps, or a call that was killed before strace
/// printed all its arguments.
pub fn decode(call: &Call<'_>) -> Result<Option<Decoded>, ParseError> {
    let mut fields = Fields::new(call.args, Some(&call.returned));
    match read(call.name, &mut fields) {
        Ok((syscall, out)) => Ok(Some(Decoded {
            syscall,
            outcome: outcome(&call.returned, out),
        })),
        Err(Fault::Unmodelled | Fault::Argument(..)) => Ok(None),
        Err(Fault::Missing(_)) if call.returned.value == ReturnValue::Unknown => Ok(None),
        Err(Fault::Missing(column)) => Err(ParseError::new(
            ErrorKind::Expected("another argument"),
            column,
        )),
        Err(Fault::Bad(error)) => Err(error),
    }
}

/// Reads a call that has begun: its outcome is yet to come.
///
/// `Ok(None)` is also the answer while strace has not printed all its arguments, as for
/// `epoll_wait(3,  <unfinished ...>`.
pub fn decode_entry(call: &Unfinished<'_>) -> Result<Option<Syscall>, ParseError> {
    let mut fields = Fields::new(call.args, None);
    match read(call.name, &mut fields) {
        Ok((syscall, _)) => Ok(Some(syscall)),
        Err(Fault::Unmodelled | Fault::Argument(..) | Fault::Missing(_)) => Ok(None),
        Err(Fault::Bad(error)) => Err(error),
    }
}

fn read(name: &str, fields: &mut Fields<'_>) -> Read {
    match name {
        "epoll_create" | "epoll_create1" | "epoll_ctl" | "epoll_wait" | "epoll_pwait"
        | "epoll_pwait2" | "poll" | "ppoll" => epoll::read(name, fields),
        "recvmsg" | "sendmsg" | "recvfrom" | "sendto" | "socket" | "socketpair" | "accept"
        | "accept4" | "shutdown" => messages::read(name, fields),
        "fork" | "vfork" | "clone" | "clone3" | "unshare" | "execve" | "execveat" | "exit"
        | "exit_group" | "kill" | "tgkill" | "rt_sigprocmask" | "rt_sigaction" | "wait4"
        | "getpid" | "prlimit64" | "setrlimit" | "pidfd_open" | "pidfd_getfd" | "kcmp" => {
            process::read(name, fields)
        }
        _ => files::read(name, fields),
    }
}

fn outcome(returned: &Returned<'_>, out: Out) -> Option<Outcome> {
    if let Some(errno) = returned.errno {
        let errno = Errno::from_name(errno).filter(|_| returned.is_error());
        return errno.map(|errno| Outcome::Done(Err(errno)));
    }
    if let Some(errno) = returned.errno_number() {
        let errno = u16::try_from(errno).ok().and_then(Errno::from_number);
        return errno.map(|errno| Outcome::Done(Err(errno)));
    }
    match returned.number() {
        Some(value) => Some(Outcome::Done(Ok(Return::with(value, out)))),
        None => Some(Outcome::Gone),
    }
}
