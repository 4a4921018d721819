//! Single values in strace's words, for whoever writes its text from elsewhere.

use crate::names::{
    self, CLONE, EPOLL_CREATE, EPOLL_EVENTS, EPOLL_OPS, EVENTFD, FCNTL, OPEN, SIGNALFD, TIMERFD,
};
use crate::signals;
use crate::sockets::{self, FAMILIES, KIND_FLAGS};

/// `EPOLLIN|EPOLLET`; `0` for none.
pub fn epoll_events(bits: u32) -> String {
    EPOLL_EVENTS.flags(bits.into())
}

/// `EPOLL_CTL_ADD`, of the operation of `epoll_ctl(2)`.
pub fn epoll_operation(value: u32) -> String {
    EPOLL_OPS.one(value.into())
}

/// `EPOLL_CLOEXEC`, of `epoll_create1(2)`.
pub fn epoll_create_flags(bits: u32) -> String {
    EPOLL_CREATE.flags(bits.into())
}

/// `EFD_CLOEXEC`, of `eventfd(2)`.
pub fn eventfd_flags(bits: u32) -> String {
    EVENTFD.flags(bits.into())
}

/// `TFD_CLOEXEC`, of `timerfd_create(2)`.
pub fn timerfd_flags(bits: u32) -> String {
    TIMERFD.flags(bits.into())
}

/// `SFD_CLOEXEC`, of `signalfd(2)`.
pub fn signalfd_flags(bits: u32) -> String {
    SIGNALFD.flags(bits.into())
}

/// `SOCK_CLOEXEC`, of `accept4(2)`.
pub fn accept_flags(bits: u32) -> String {
    KIND_FLAGS.flags(bits.into())
}

/// `O_RDONLY|O_CLOEXEC`, of `open(2)`.
pub fn open_flags(bits: u32) -> String {
    names::open_flags(bits)
}

/// `O_CLOEXEC`, of `pipe2(2)` and `dup3(2)`, which have no access mode.
pub fn fd_flags(bits: u32) -> String {
    OPEN.flags(bits.into())
}

/// `CLONE_VM|CLONE_FILES`, without the signal of a clone's end.
pub fn clone_flags(bits: u64) -> String {
    CLONE.flags(bits & !0xff)
}

/// `F_DUPFD_CLOEXEC`, of the command of `fcntl(2)`.
pub fn fcntl_command(value: u32) -> String {
    FCNTL.one(value.into())
}

/// `AF_UNIX`.
pub fn socket_family(value: u32) -> String {
    FAMILIES.one(value.into())
}

/// `SOCK_STREAM|SOCK_CLOEXEC`.
pub fn socket_type(bits: u32) -> String {
    sockets::socket_kind(bits)
}

/// `SIGCHLD`; the number of a signal that has no name.
pub fn signal(number: u32) -> String {
    signals::signal_name(number)
}
