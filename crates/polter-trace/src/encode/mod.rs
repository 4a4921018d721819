//! The model's system calls, written as strace 6.1 writes them (with `-a 0`).
//!
//! What strace cannot show and the model needs, a comment says, so that
//! [`decode`](crate::decode()) reads every call back as it was:
//!
//! | in the model | in the text |
//! |---|---|
//! | a buffer with room for two events, then unmapped memory | `[…] /* room for 2 */` |
//! | a buffer in the kernel's half | `0xffff800000000000`, or `/* kernel space */` |
//! | bytes the model does not keep | `""...` |
//! | requests of the modelled device | `POLTER_EXPORT_BUFFER`, … on [`DEVICE`] |

mod epoll;
mod files;
mod messages;
mod process;
mod writer;

use eventpoll::syscall::{Fcntl, Out, Return};
use eventpoll::{Errno, Outcome, PollFd, Syscall};

use crate::names::{FD_FLAGS, open_flags};
use writer::Writer;

/// The path that stands for the modelled device.
pub const DEVICE: &str = "/dev/polter";

/// An address where a program could have a buffer.
pub(crate) const BUFFER: u64 = 0x7ffc_0000_0000;

/// The first address no program may name. Linux: `TASK_SIZE_MAX`.
pub(crate) const USER_END: u64 = 0x7fff_ffff_f000;

/// Writes a call and what became of it: `close(3) = 0`.
///
/// A call that waits is written with all its arguments, which strace does not do; see
/// [`encode_entry`].
pub fn encode(syscall: &Syscall, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(result) => {
            let args = spell(syscall, result.as_ref().ok());
            let result = result_text(syscall, result);
            format!("{}({}{}) = {result}", args.name, args.entry, args.rest)
        }
        Outcome::Blocked => {
            let args = spell(syscall, None);
            format!("{}({}{} <unfinished ...>", args.name, args.entry, args.rest)
        }
        Outcome::Gone => {
            let args = spell(syscall, None);
            format!("{}({}{}) = ?", args.name, args.entry, args.rest)
        }
    }
}

/// Writes the beginning of a call that waits, as strace cuts it: `read(3,  <unfinished ...>`.
pub fn encode_entry(syscall: &Syscall) -> String {
    let args = spell(syscall, None);
    format!("{}({} <unfinished ...>", args.name, args.entry)
}

/// Writes the end of a call that waited: `<... read resumed>""..., 8) = 5`.
pub fn encode_exit(syscall: &Syscall, result: &Result<Return, Errno>) -> String {
    let args = spell(syscall, result.as_ref().ok());
    let result = result_text(syscall, result);
    format!("<... {} resumed>{}) = {result}", args.name, args.rest)
}

fn spell(syscall: &Syscall, done: Option<&Return>) -> Writer {
    let written = epoll::spell(syscall, done)
        .or_else(|| files::spell(syscall, done))
        .or_else(|| messages::spell(syscall, done));
    written.unwrap_or_else(|| process::spell(syscall, done))
}

fn result_text(syscall: &Syscall, result: &Result<Return, Errno>) -> String {
    let returned = match result {
        Err(errno) => return format!("-1 {errno}"),
        Ok(returned) => returned,
    };
    let value = returned.value;
    match (syscall, &returned.out) {
        (Syscall::Poll { .. } | Syscall::Ppoll { .. }, Out::Polled(fds)) if value > 0 => {
            format!("{value} ([{}])", found(fds))
        }
        (Syscall::Poll { .. } | Syscall::Ppoll { .. }, _) if value == 0 => "0 (Timeout)".to_owned(),
        (
            Syscall::Fcntl {
                cmd: Fcntl::GetFd, ..
            },
            _,
        ) if value > 0 => {
            format!(
                "{value:#x} (flags {})",
                FD_FLAGS.flags(value.cast_unsigned())
            )
        }
        (
            Syscall::Fcntl {
                cmd: Fcntl::GetFl, ..
            },
            _,
        ) if value >= 0 => {
            let flags = u32::try_from(value).map_or_else(|_| value.to_string(), open_flags);
            let value = if value == 0 {
                "0".to_owned()
            } else {
                format!("{value:#x}")
            };
            format!("{value} (flags {flags})")
        }
        _ => value.to_string(),
    }
}

/// Prints the entries of a poll in which something was found.
fn found(fds: &[PollFd]) -> String {
    let found = fds.iter().filter(|entry| !entry.revents.is_empty());
    let entries: Vec<_> = found
        .map(|entry| {
            format!(
                "{{fd={}, revents={}}}",
                entry.fd,
                epoll::poll_events(entry.revents)
            )
        })
        .collect();
    entries.join(", ")
}
