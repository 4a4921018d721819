//! The names strace has for numbers, in the order in which it prints them.

/// A set of names: flags that are joined by `|`, or values of which one holds.
#[derive(Debug)]
pub(crate) struct Names {
    names: &'static [(&'static str, u64)],
    /// What strace says of a number without a name: `EPOLL_CTL_???`.
    unknown: &'static str,
}

impl Names {
    pub(crate) const fn new(unknown: &'static str, names: &'static [(&'static str, u64)]) -> Self {
        Self { names, unknown }
    }

    /// Returns the number of a name.
    pub(crate) fn value(&self, name: &str) -> Option<u64> {
        let found = self.names.iter().find(|(known, _)| *known == name);
        found.map(|&(_, value)| value)
    }

    /// Prints the one value: `EPOLL_CTL_ADD`, `0x4d /* EPOLL_CTL_??? */`.
    pub(crate) fn one(&self, value: u64) -> String {
        match self.names.iter().find(|(_, known)| *known == value) {
            Some((name, _)) => (*name).to_owned(),
            None if value == 0 => format!("0 /* {} */", self.unknown),
            None => format!("{value:#x} /* {} */", self.unknown),
        }
    }

    /// Prints flags: `EPOLLIN|EPOLLET`, `EPOLLIN|0x800`, `0x800 /* EPOLL??? */`, `0`.
    pub(crate) fn flags(&self, bits: u64) -> String {
        if bits == 0 {
            return "0".to_owned();
        }
        let (mut text, rest) = self.known(bits);
        if text.is_empty() {
            return format!("{rest:#x} /* {} */", self.unknown);
        }
        if rest != 0 {
            text += &format!("|{rest:#x}");
        }
        text
    }

    /// Prints flags after a first word: `O_RDONLY|O_CLOEXEC`, `SOCK_STREAM|0x40`.
    pub(crate) fn flags_after(&self, mut text: String, bits: u64) -> String {
        let (known, rest) = self.known(bits);
        if !known.is_empty() {
            text = format!("{text}|{known}");
        }
        if rest != 0 {
            text += &format!("|{rest:#x}");
        }
        text
    }

    fn known(&self, bits: u64) -> (String, u64) {
        let mut rest = bits;
        let mut text = String::new();
        for &(name, value) in self.names {
            if value != 0 && rest & value == value {
                if !text.is_empty() {
                    text.push('|');
                }
                text += name;
                rest &= !value;
            }
        }
        (text, rest)
    }
}

pub(crate) static EPOLL_CREATE: Names = Names::new("EPOLL_???", &[("EPOLL_CLOEXEC", 0o2_000_000)]);

pub(crate) static EPOLL_OPS: Names = Names::new(
    "EPOLL_CTL_???",
    &[
        ("EPOLL_CTL_ADD", 1),
        ("EPOLL_CTL_DEL", 2),
        ("EPOLL_CTL_MOD", 3),
    ],
);

pub(crate) static EPOLL_EVENTS: Names = Names::new(
    "EPOLL???",
    &[
        ("EPOLLIN", 0x1),
        ("EPOLLPRI", 0x2),
        ("EPOLLOUT", 0x4),
        ("EPOLLERR", 0x8),
        ("EPOLLHUP", 0x10),
        ("EPOLLNVAL", 0x20),
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
    ],
);

pub(crate) static POLL_EVENTS: Names = Names::new(
    "POLL???",
    &[
        ("POLLIN", 0x1),
        ("POLLPRI", 0x2),
        ("POLLOUT", 0x4),
        ("POLLRDNORM", 0x40),
        ("POLLWRNORM", 0x100),
        ("POLLRDBAND", 0x80),
        ("POLLWRBAND", 0x200),
        ("POLLERR", 0x8),
        ("POLLHUP", 0x10),
        ("POLLNVAL", 0x20),
        ("POLLMSG", 0x400),
        ("POLLREMOVE", 0x1000),
        ("POLLRDHUP", 0x2000),
        ("POLL_BUSY_LOOP", 0x8000),
    ],
);

pub(crate) static OPEN: Names = Names::new(
    "O_???",
    &[
        ("O_CREAT", 0o100),
        ("O_EXCL", 0o200),
        ("O_NOCTTY", 0o400),
        ("O_TRUNC", 0o1000),
        ("O_APPEND", 0o2000),
        ("O_NONBLOCK", 0o4000),
        ("O_SYNC", 0o4_010_000),
        ("O_DSYNC", 0o10_000),
        ("O_DIRECT", 0o40_000),
        ("O_LARGEFILE", 0o100_000),
        ("O_NOFOLLOW", 0o400_000),
        ("O_NOATIME", 0o1_000_000),
        ("O_CLOEXEC", 0o2_000_000),
        ("O_PATH", 0o10_000_000),
        ("O_TMPFILE", 0o20_200_000),
        ("O_DIRECTORY", 0o200_000),
        ("FASYNC", 0o20_000),
        ("O_ASYNC", 0o20_000),
        ("O_NDELAY", 0o4000),
        ("O_NOTIFICATION_PIPE", 0o200),
        ("__O_SYNC", 0o4_000_000),
        ("__O_TMPFILE", 0o20_000_000),
    ],
);

pub(crate) static OPEN_ACCESS: Names = Names::new(
    "O_???",
    &[
        ("O_RDONLY", 0),
        ("O_WRONLY", 1),
        ("O_RDWR", 2),
        ("O_ACCMODE", 3),
    ],
);

/// Prints what `open(2)` takes and `F_GETFL` gives: the access mode comes first, even
/// though `O_RDONLY` is 0.
pub(crate) fn open_flags(bits: u32) -> String {
    let access = OPEN_ACCESS.one(u64::from(bits & 3));
    OPEN.flags_after(access, u64::from(bits & !3))
}

pub(crate) static EVENTFD: Names = Names::new(
    "EFD_???",
    &[
        ("EFD_SEMAPHORE", 1),
        ("EFD_CLOEXEC", 0o2_000_000),
        ("EFD_NONBLOCK", 0o4000),
    ],
);

pub(crate) static TIMERFD: Names = Names::new(
    "TFD_???",
    &[
        ("TFD_TIMER_ABSTIME", 1),
        ("TFD_TIMER_CANCEL_ON_SET", 2),
        ("TFD_CLOEXEC", 0o2_000_000),
        ("TFD_NONBLOCK", 0o4000),
    ],
);

pub(crate) static SIGNALFD: Names = Names::new(
    "SFD_???",
    &[("SFD_CLOEXEC", 0o2_000_000), ("SFD_NONBLOCK", 0o4000)],
);

pub(crate) static CLOCKS: Names = Names::new(
    "CLOCK_???",
    &[
        ("CLOCK_REALTIME", 0),
        ("CLOCK_MONOTONIC", 1),
        ("CLOCK_PROCESS_CPUTIME_ID", 2),
        ("CLOCK_THREAD_CPUTIME_ID", 3),
        ("CLOCK_MONOTONIC_RAW", 4),
        ("CLOCK_REALTIME_COARSE", 5),
        ("CLOCK_MONOTONIC_COARSE", 6),
        ("CLOCK_BOOTTIME", 7),
        ("CLOCK_REALTIME_ALARM", 8),
        ("CLOCK_BOOTTIME_ALARM", 9),
        ("CLOCK_SGI_CYCLE", 10),
        ("CLOCK_TAI", 11),
    ],
);

pub(crate) static FD_FLAGS: Names = Names::new("FD_???", &[("FD_CLOEXEC", 1)]);

pub(crate) static CLOSE_RANGE: Names = Names::new(
    "CLOSE_RANGE_???",
    &[("CLOSE_RANGE_UNSHARE", 2), ("CLOSE_RANGE_CLOEXEC", 4)],
);

pub(crate) static FCNTL: Names = Names::new(
    "F_???",
    &[
        ("F_DUPFD", 0),
        ("F_GETFD", 1),
        ("F_SETFD", 2),
        ("F_GETFL", 3),
        ("F_SETFL", 4),
        ("F_GETLK", 5),
        ("F_SETLK", 6),
        ("F_SETLKW", 7),
        ("F_SETOWN", 8),
        ("F_GETOWN", 9),
        ("F_SETSIG", 10),
        ("F_GETSIG", 11),
        ("F_SETOWN_EX", 15),
        ("F_GETOWN_EX", 16),
        ("F_GETOWNER_UIDS", 17),
        ("F_OFD_GETLK", 36),
        ("F_OFD_SETLK", 37),
        ("F_OFD_SETLKW", 38),
        ("F_SETLEASE", 1024),
        ("F_GETLEASE", 1025),
        ("F_NOTIFY", 1026),
        ("F_CANCELLK", 1029),
        ("F_DUPFD_CLOEXEC", 1030),
        ("F_SETPIPE_SZ", 1031),
        ("F_GETPIPE_SZ", 1032),
        ("F_ADD_SEALS", 1033),
        ("F_GET_SEALS", 1034),
        ("F_GET_RW_HINT", 1035),
        ("F_SET_RW_HINT", 1036),
        ("F_GET_FILE_RW_HINT", 1037),
        ("F_SET_FILE_RW_HINT", 1038),
    ],
);

/// `F_DUPFD_QUERY`, which strace 6.1 has no name for.
pub(crate) const F_DUPFD_QUERY: u64 = 1027;

pub(crate) static WHENCE: Names = Names::new(
    "SEEK_???",
    &[
        ("SEEK_SET", 0),
        ("SEEK_CUR", 1),
        ("SEEK_END", 2),
        ("SEEK_DATA", 3),
        ("SEEK_HOLE", 4),
    ],
);

pub(crate) static SHUTDOWN: Names = Names::new(
    "SHUT_???",
    &[("SHUT_RD", 0), ("SHUT_WR", 1), ("SHUT_RDWR", 2)],
);

pub(crate) static MESSAGE: Names = Names::new(
    "MSG_???",
    &[
        ("MSG_OOB", 0x1),
        ("MSG_PEEK", 0x2),
        ("MSG_DONTROUTE", 0x4),
        ("MSG_CTRUNC", 0x8),
        ("MSG_PROBE", 0x10),
        ("MSG_TRUNC", 0x20),
        ("MSG_DONTWAIT", 0x40),
        ("MSG_EOR", 0x80),
        ("MSG_WAITALL", 0x100),
        ("MSG_FIN", 0x200),
        ("MSG_SYN", 0x400),
        ("MSG_CONFIRM", 0x800),
        ("MSG_RST", 0x1000),
        ("MSG_ERRQUEUE", 0x2000),
        ("MSG_NOSIGNAL", 0x4000),
        ("MSG_MORE", 0x8000),
        ("MSG_WAITFORONE", 0x10000),
        ("MSG_BATCH", 0x40000),
        ("MSG_ZEROCOPY", 0x0400_0000),
        ("MSG_FASTOPEN", 0x2000_0000),
        ("MSG_CMSG_CLOEXEC", 0x4000_0000),
    ],
);

pub(crate) static CLONE: Names = Names::new(
    "CLONE_???",
    &[
        ("CLONE_NEWTIME", 0x80),
        ("CLONE_VM", 0x100),
        ("CLONE_FS", 0x200),
        ("CLONE_FILES", 0x400),
        ("CLONE_SIGHAND", 0x800),
        ("CLONE_PIDFD", 0x1000),
        ("CLONE_PTRACE", 0x2000),
        ("CLONE_VFORK", 0x4000),
        ("CLONE_PARENT", 0x8000),
        ("CLONE_THREAD", 0x10000),
        ("CLONE_NEWNS", 0x20000),
        ("CLONE_SYSVSEM", 0x40000),
        ("CLONE_SETTLS", 0x80000),
        ("CLONE_PARENT_SETTID", 0x10_0000),
        ("CLONE_CHILD_CLEARTID", 0x20_0000),
        ("CLONE_DETACHED", 0x40_0000),
        ("CLONE_UNTRACED", 0x80_0000),
        ("CLONE_CHILD_SETTID", 0x100_0000),
        ("CLONE_NEWCGROUP", 0x200_0000),
        ("CLONE_NEWUTS", 0x400_0000),
        ("CLONE_NEWIPC", 0x800_0000),
        ("CLONE_NEWUSER", 0x1000_0000),
        ("CLONE_NEWPID", 0x2000_0000),
        ("CLONE_NEWNET", 0x4000_0000),
        ("CLONE_IO", 0x8000_0000),
        ("CLONE_CLEAR_SIGHAND", 0x1_0000_0000),
        ("CLONE_INTO_CGROUP", 0x2_0000_0000),
    ],
);

pub(crate) static SIG_HOW: Names = Names::new(
    "SIG_???",
    &[("SIG_BLOCK", 0), ("SIG_UNBLOCK", 1), ("SIG_SETMASK", 2)],
);

pub(crate) static WAIT: Names = Names::new(
    "W???",
    &[
        ("WNOHANG", 1),
        ("WSTOPPED", 2),
        ("WUNTRACED", 2),
        ("WEXITED", 4),
        ("WCONTINUED", 8),
        ("WNOWAIT", 0x0100_0000),
        ("__WCLONE", 0x8000_0000),
        ("__WALL", 0x4000_0000),
        ("__WNOTHREAD", 0x2000_0000),
    ],
);

pub(crate) static PIDFD: Names = Names::new(
    "PIDFD_???",
    &[("PIDFD_NONBLOCK", 0o4000), ("PIDFD_THREAD", 0o200)],
);

/// The requests the model has, and the commonest of those it has not.
pub(crate) static IOCTL: Names = Names::new(
    "???",
    &[
        ("TCGETS", 0x5401),
        ("TCSETS", 0x5402),
        ("TCSETSW", 0x5403),
        ("TCSETSF", 0x5404),
        ("TIOCGPGRP", 0x540f),
        ("TIOCSPGRP", 0x5410),
        ("TIOCGWINSZ", 0x5413),
        ("TIOCSWINSZ", 0x5414),
        ("FIONREAD", 0x541b),
        ("TIOCINQ", 0x541b),
        ("FIONBIO", 0x5421),
        ("FIONCLEX", 0x5450),
        ("FIOCLEX", 0x5451),
        ("FIOASYNC", 0x5452),
        ("FIOQSIZE", 0x5460),
        ("EPIOCSPARAMS", 0x4008_8a01),
        ("EPIOCGPARAMS", 0x8008_8a02),
        ("EPIOCADOPT", 0x8a03),
        ("POLTER_EXPORT_BUFFER", 0x7001),
        ("POLTER_ADD_FENCE", 0x7002),
        ("POLTER_SIGNAL_FENCE", 0x7003),
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_print_as_strace_prints_them() {
        check(
            &EPOLL_EVENTS.flags(0x8000_2001),
            "EPOLLIN|EPOLLRDHUP|EPOLLET",
        );
        check(&EPOLL_EVENTS.flags(0x10_0001), "EPOLLIN|0x100000");
        check(&EPOLL_CREATE.flags(5), "0x5 /* EPOLL_??? */");
        check(
            &EVENTFD.flags(0o2_004_001),
            "EFD_SEMAPHORE|EFD_CLOEXEC|EFD_NONBLOCK",
        );
        check(&EVENTFD.flags(0), "0");
    }

    #[test]
    fn values_print_as_strace_prints_them() {
        check(&EPOLL_OPS.one(1), "EPOLL_CTL_ADD");
        check(&EPOLL_OPS.one(0x4d), "0x4d /* EPOLL_CTL_??? */");
    }

    #[test]
    fn an_access_mode_comes_first() {
        check(&open_flags(0o2_000_000), "O_RDONLY|O_CLOEXEC");
        check(&open_flags(0o102), "O_RDWR|O_CREAT");
        check(&open_flags(0), "O_RDONLY");
        check(&open_flags(1 << 30), "O_RDONLY|0x40000000");
    }

    #[track_caller]
    fn check(actual: &str, expected: &str) {
        assert_eq!(actual, expected);
    }
}
