//! Flags, operations, errors and signals, by the names strace has for them.

use std::io::Write as _;

use polter_trace::spell;

/// `O_RDONLY|O_CLOEXEC`. The flags of epoll, eventfd, accept and their like have the same bits.
pub(super) fn open_flags(out: &mut Vec<u8>, bits: u32) {
    const NAMES: &[(&str, u32)] = &[
        ("O_WRONLY", 1),
        ("O_RDWR", 2),
        ("O_CREAT", 0o100),
        ("O_EXCL", 0o200),
        ("O_TRUNC", 0o1000),
        ("O_APPEND", 0o2000),
        ("O_NONBLOCK", 0o4000),
        ("O_CLOEXEC", 0o2_000_000),
    ];
    flags(out, NAMES, bits);
}

/// `SOCK_STREAM|SOCK_CLOEXEC`.
pub(super) fn socket_type(out: &mut Vec<u8>, bits: u32) {
    out.extend_from_slice(spell::socket_type(bits).as_bytes());
}

/// `AF_UNIX`.
pub(super) fn domain(out: &mut Vec<u8>, value: u32) {
    match value {
        1 => out.extend_from_slice(b"AF_UNIX"),
        2 => out.extend_from_slice(b"AF_INET"),
        10 => out.extend_from_slice(b"AF_INET6"),
        16 => out.extend_from_slice(b"AF_NETLINK"),
        _ => hex(out, value.into()),
    }
}

/// `EPOLL_CTL_ADD`.
pub(super) fn operation(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(spell::epoll_operation(value).as_bytes());
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
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

fn flags(out: &mut Vec<u8>, names: &[(&str, u32)], bits: u32) {
    let mut rest = bits;
    let mut is_first = true;
    for (name, value) in names {
        if rest & value == *value {
            if !is_first {
                out.push(b'|');
            }
            out.extend_from_slice(name.as_bytes());
            rest &= !value;
            is_first = false;
        }
    }
    if rest != 0 || is_first {
        if !is_first {
            out.push(b'|');
        }
        hex(out, rest.into());
    }
}
