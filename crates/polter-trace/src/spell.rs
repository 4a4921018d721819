//! Single values in strace's words, for whoever writes its text from elsewhere.

use crate::names::{CLONE, EPOLL_EVENTS, EPOLL_OPS, FCNTL};
use crate::{signals, sockets};

/// `EPOLLIN|EPOLLET`; `0` for none.
pub fn epoll_events(bits: u32) -> String {
    EPOLL_EVENTS.flags(bits.into())
}

/// `EPOLL_CTL_ADD`, of the operation of `epoll_ctl(2)`.
pub fn epoll_operation(value: u32) -> String {
    EPOLL_OPS.one(value.into())
}

/// `CLONE_VM|CLONE_FILES`, without the signal of a clone's end.
pub fn clone_flags(bits: u64) -> String {
    CLONE.flags(bits & !0xff)
}

/// `F_DUPFD_CLOEXEC`, of the command of `fcntl(2)`.
pub fn fcntl_command(value: u32) -> String {
    FCNTL.one(value.into())
}

/// `SOCK_STREAM|SOCK_CLOEXEC`.
pub fn socket_type(bits: u32) -> String {
    sockets::socket_kind(bits)
}

/// `SIGCHLD`; the number of a signal that has no name.
pub fn signal(number: u32) -> String {
    signals::signal_name(number)
}
