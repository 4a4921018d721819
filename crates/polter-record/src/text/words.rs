//! Flags, operations, errors and signals, by the names strace has for them.

use std::io::Write as _;

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
    const TYPES: &[&str] = &[
        "",
        "SOCK_STREAM",
        "SOCK_DGRAM",
        "SOCK_RAW",
        "SOCK_RDM",
        "SOCK_SEQPACKET",
    ];
    const NAMES: &[(&str, u32)] = &[("SOCK_NONBLOCK", 0o4000), ("SOCK_CLOEXEC", 0o2_000_000)];
    match TYPES.get((bits & 15) as usize) {
        Some(name) if !name.is_empty() => out.extend_from_slice(name.as_bytes()),
        _ => hex(out, (bits & 15).into()),
    }
    if bits & !15 != 0 {
        out.push(b'|');
        flags(out, NAMES, bits & !15);
    }
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
    match value {
        1 => out.extend_from_slice(b"EPOLL_CTL_ADD"),
        2 => out.extend_from_slice(b"EPOLL_CTL_DEL"),
        3 => out.extend_from_slice(b"EPOLL_CTL_MOD"),
        _ => {
            hex(out, value.into());
            out.extend_from_slice(b" /* EPOLL_CTL_??? */");
        }
    }
}

/// `EPOLLIN|EPOLLET`.
pub(super) fn events(out: &mut Vec<u8>, bits: u32) {
    const NAMES: &[(&str, u32)] = &[
        ("EPOLLIN", 1),
        ("EPOLLPRI", 2),
        ("EPOLLOUT", 4),
        ("EPOLLERR", 8),
        ("EPOLLHUP", 0x10),
        ("EPOLLRDNORM", 0x40),
        ("EPOLLRDBAND", 0x80),
        ("EPOLLWRNORM", 0x100),
        ("EPOLLWRBAND", 0x200),
        ("EPOLLMSG", 0x400),
        ("EPOLLRDHUP", 0x2000),
        ("EPOLLEXCLUSIVE", 1 << 28),
        ("EPOLLWAKEUP", 1 << 29),
        ("EPOLLONESHOT", 1 << 30),
        ("EPOLLET", 1 << 31),
    ];
    flags(out, NAMES, bits);
}

/// `F_DUPFD_CLOEXEC`; returns whether the third argument means something.
pub(super) fn command(out: &mut Vec<u8>, value: u32) -> bool {
    const NAMES: &[(&str, u32, bool)] = &[
        ("F_DUPFD", 0, true),
        ("F_GETFD", 1, false),
        ("F_SETFD", 2, true),
        ("F_GETFL", 3, false),
        ("F_SETFL", 4, true),
        ("F_DUPFD_CLOEXEC", 1030, true),
    ];
    match NAMES.iter().find(|(_, it, _)| *it == value) {
        Some((name, _, has_more)) => {
            out.extend_from_slice(name.as_bytes());
            *has_more
        }
        None => {
            hex(out, value.into());
            true
        }
    }
}

/// `CLONE_VM|CLONE_FILES|SIGCHLD`, of a clone's flags and what the kernel has made of them.
pub(super) fn clone_flags(out: &mut Vec<u8>, bits: u64) {
    const NAMES: &[(&str, u32)] = &[
        ("CLONE_VM", 0x100),
        ("CLONE_FS", 0x200),
        ("CLONE_FILES", 0x400),
        ("CLONE_SIGHAND", 0x800),
        ("CLONE_PIDFD", 0x1000),
        ("CLONE_PTRACE", 0x2000),
        ("CLONE_VFORK", 0x4000),
        ("CLONE_PARENT", 0x8000),
        ("CLONE_THREAD", 0x1_0000),
        ("CLONE_NEWNS", 0x2_0000),
        ("CLONE_SYSVSEM", 0x4_0000),
        ("CLONE_SETTLS", 0x8_0000),
        ("CLONE_PARENT_SETTID", 0x10_0000),
        ("CLONE_CHILD_CLEARTID", 0x20_0000),
        ("CLONE_CHILD_SETTID", 0x100_0000),
    ];
    flags(out, NAMES, (bits & 0xffff_ff00) as u32);
}

/// `SIGCHLD`.
pub(super) fn signal(out: &mut Vec<u8>, number: u32) {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    out.extend_from_slice(b"SIG");
    match number {
        1..=31 => out.extend_from_slice(NAMES[number as usize - 1].as_bytes()),
        _ => {
            let _ = write!(out, "RT_{}", number.saturating_sub(32));
        }
    }
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
