//! A reported event that nobody acts on, in words.

use super::case::{Case, Registered};
use super::{Cause, CauseClass};
use crate::facts::{FileFacts, Holder, Other, noun_of};
use polter_scan::{Kind, Sureness};

/// The bits that say that the other end is gone.
pub(super) const DOWN: u32 = (libc::EPOLLHUP | libc::EPOLLERR | libc::EPOLLRDHUP) as u32;

/// What is reported, as far as the words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The other end is gone, or a read comes to the end of the file.
    Down,
    /// Something can be taken.
    Input,
    /// Something can be written.
    Output,
}

impl What {
    /// What the reported events mean, if reads come to the end of the file or not.
    pub(super) fn of(events: u32, is_at_end: bool) -> What {
        if events & DOWN != 0 || is_at_end {
            What::Down
        } else if events & (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDNORM) as u32 != 0 {
            What::Input
        } else {
            What::Output
        }
    }
}

/// The cause that a registration is reported, and nobody acts on it.
pub(super) fn unheeded(
    case: &Case<'_>,
    registered: Registered<'_>,
    what: What,
    sureness: Sureness,
    mut reasons: Vec<String>,
) -> Cause {
    let registration = registered.registration;
    let fd = registration.fd;
    let file = case.facts.file(fd);
    let kind = registration.kind.or(file.map(|it| it.kind));
    let noun = file.map_or_else(|| noun_of(kind), FileFacts::noun);
    let (class, summary, fix) = match what {
        What::Down => {
            let mask = registration.events & 0x7fff;
            let unasked = if mask & DOWN == 0 {
                format!(" No mask leaves EPOLLHUP and EPOLLERR out, and this one is {mask:#x}.")
            } else {
                String::new()
            };
            (
                CauseClass::UnheededHangup,
                format!(
                    "The other end of {noun} {fd} is gone: every wait reports it, and nobody closes {fd}.{unasked}"
                ),
                format!(
                    "close {fd} when EPOLLHUP, EPOLLERR or EPOLLRDHUP is reported, or when a read returns 0"
                ),
            )
        }
        What::Input if kind == Some(Kind::Epoll) => (
            CauseClass::InnerInstance,
            format!(
                "Instance {fd} is registered in another and has events: every wait on the outer one reports it, and nobody waits on {fd} to take them."
            ),
            format!(
                "call epoll_wait on {fd} when the outer instance reports it, and handle what it returns"
            ),
        ),
        What::Input => (
            CauseClass::UnheededInput,
            format!(
                "{} {fd} has {}: every wait reports it, and nobody {}.",
                capital(noun),
                has(noun),
                verb(noun)
            ),
            format!("{}, or remove it with EPOLL_CTL_DEL", remedy(noun, fd)),
        ),
        What::Output => (
            CauseClass::OutputLeftOn,
            format!(
                "{} {fd} can be written to: every wait reports EPOLLOUT, and there is nothing to write.",
                capital(noun)
            ),
            format!(
                "EPOLL_CTL_MOD {fd} without EPOLLOUT as soon as the output is written, and with it when a write returns EAGAIN"
            ),
        ),
    };
    if let Some(file) = file {
        reasons.extend(ends(file));
    }
    Cause {
        class,
        sureness,
        fd: Some(fd),
        instance: Some(registered.epfd),
        summary,
        reasons,
        fix,
        now: None,
    }
}

/// Who has the other end of a file, and who else has it.
pub(super) fn ends(file: &FileFacts) -> Vec<String> {
    let fd = file.fd;
    let mut said = Vec::new();
    match &file.other {
        Some(Other::Gone) => said.push(format!("the other end of {fd} is open in no process")),
        Some(Other::Address(address)) if file.is_listener => {
            said.push(format!("{fd} listens at {address}"));
        }
        Some(Other::Address(address)) => said.push(format!(
            "the other end of {fd} is {address}, which no process in sight has"
        )),
        None if !file.other_end.is_empty() => {
            said.push(format!(
                "the other end of {fd} is {}",
                holders(&file.other_end)
            ));
        }
        None => {}
    }
    if !file.shared_with.is_empty() {
        said.push(format!(
            "the same {} is open as {}",
            file.noun(),
            holders(&file.shared_with)
        ));
    }
    said
}

fn holders(holders: &[Holder]) -> String {
    const NAMED: usize = 3;
    let name = |it: &Holder| format!("fd {} of {} ({})", it.fd, it.comm, it.pid);
    let named: Vec<String> = holders.iter().take(NAMED).map(name).collect();
    let more = holders.len().saturating_sub(NAMED);
    let named = named.join(", ");
    if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    }
}

fn has(noun: &str) -> &'static str {
    match noun {
        "listener" => "connections to accept",
        "timerfd" => "expired",
        "eventfd" => "been written to",
        "signalfd" => "signals to give",
        "pidfd" => "a process that has ended",
        "inotify instance" => "events to give",
        _ => "something to read",
    }
}

fn verb(noun: &str) -> &'static str {
    match noun {
        "listener" => "accepts them",
        "pidfd" => "closes it",
        _ => "reads it",
    }
}

fn remedy(noun: &str, fd: i32) -> String {
    match noun {
        "listener" => format!("call accept4 on {fd} until it returns EAGAIN"),
        "pidfd" => format!("waitid for the process and close {fd}"),
        "timerfd" | "eventfd" => format!("read 8 bytes from {fd} whenever it is reported"),
        _ => format!("read {fd} until it returns EAGAIN, whenever it is reported"),
    }
}

pub(super) fn capital(noun: &str) -> String {
    let mut letters = noun.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
