//! Flags, operations, errors and signals, by the names strace has for them.

use std::io::Write as _;

use polter_trace::spell;

use crate::kernel::Words;

/// `SOCK_STREAM|SOCK_CLOEXEC`, `EPOLL_CTL_ADD`: a value that has names.
pub(super) fn named(out: &mut Vec<u8>, names: Words, value: u32) {
    let spell = match names {
        Words::Open => spell::open_flags,
        Words::Fd => spell::fd_flags,
        Words::EpollCreate => spell::epoll_create_flags,
        Words::Eventfd => spell::eventfd_flags,
        Words::Timerfd => spell::timerfd_flags,
        Words::Signalfd => spell::signalfd_flags,
        Words::Accept => spell::accept_flags,
        Words::Family => spell::socket_family,
        Words::SocketType => spell::socket_type,
        Words::Operation => spell::epoll_operation,
    };
    out.extend_from_slice(spell(value).as_bytes());
}

/// `EPOLLIN|EPOLLET`.
pub(super) fn events(out: &mut Vec<u8>, bits: u32) {
    match bits {
        // Most are these.
        1 => out.extend_from_slice(b"EPOLLIN"),
        _ => out.extend_from_slice(spell::epoll_events(bits).as_bytes()),
    }
}

/// `F_DUPFD_CLOEXEC`; returns whether the third argument means something.
pub(super) fn command(out: &mut Vec<u8>, value: u32) -> bool {
    out.extend_from_slice(spell::fcntl_command(value).as_bytes());
    !matches!(i32::try_from(value), Ok(libc::F_GETFD | libc::F_GETFL))
}

/// `CLONE_VM|CLONE_FILES`, of a clone's flags and what the kernel has made of them.
pub(super) fn clone_flags(out: &mut Vec<u8>, bits: u64) {
    out.extend_from_slice(spell::clone_flags(bits).as_bytes());
}

/// `SIGCHLD`.
pub(super) fn signal(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(spell::signal(number).as_bytes());
}

/// ` = 5`, ` = -1 EBADF (Bad file descriptor)`, ` = ? ERESTARTSYS (…)`.
pub(super) fn result(out: &mut Vec<u8>, value: i64) {
    if !(-4095..0).contains(&value) {
        decimal(out, value);
        return;
    }
    let number = value.unsigned_abs() as i32;
    let restart = match number {
        512 => Some("ERESTARTSYS (To be restarted if SA_RESTART is set)"),
        513 => Some("ERESTARTNOINTR (To be restarted)"),
        514 => Some("ERESTARTNOHAND (To be restarted if no handler)"),
        516 => Some("ERESTART_RESTARTBLOCK (Interrupted by signal)"),
        _ => None,
    };
    if let Some(restart) = restart {
        out.extend_from_slice(b"? ");
        out.extend_from_slice(restart.as_bytes());
        return;
    }
    let error = syscalls::Errno::new(number);
    let _ = match (error.name(), error.description()) {
        (Some(name), Some(words)) => write!(out, "-1 {name} ({words})"),
        _ => write!(out, "-1 (errno {number})"),
    };
}

/// A number in hexadecimal, as strace writes it.
pub(super) fn hex(out: &mut Vec<u8>, value: u64) {
    let _ = match value {
        0 => write!(out, "0"),
        value => write!(out, "{value:#x}"),
    };
}

/// A decimal number. Most bytes of a recording are these.
pub(super) fn decimal(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A number below a million, with its zeros.
pub(super) fn six_digits(out: &mut Vec<u8>, value: u32) {
    let mut rest = value;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}
