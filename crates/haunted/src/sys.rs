//! The system calls, raw: one function a call, numbers for descriptors.
//!
//! Nothing here owns an fd. The faults are made of numbers that are closed,
//! reused and closed again, which `OwnedFd` exists to prevent.

use std::ffi::{CString, c_int};
use std::fmt;
use std::os::fd::RawFd;

pub(crate) use libc::{
    AF_INET, AF_UNIX, EBADF, EEXIST, EFD_CLOEXEC, EFD_NONBLOCK, ENOENT, EPOLL_CLOEXEC,
    EPOLLET as ET, EPOLLIN as IN, O_CLOEXEC, O_NONBLOCK, POLLIN, SFD_CLOEXEC, SFD_NONBLOCK,
    SIGCONT, SIGSTOP, SIGUSR1, SOCK_CLOEXEC, SOCK_STREAM, pid_t,
};

/// The errno of a failed call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) c_int);

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", std::io::Error::from_raw_os_error(self.0))
    }
}

/// `epoll_create1(2)`.
pub(crate) fn epoll_create1(flags: c_int) -> Result<RawFd, Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::epoll_create1(flags) })
}

/// `epoll_ctl(2)`, `EPOLL_CTL_ADD`. The data is the number itself, as in most programs.
pub(crate) fn epoll_add(e: RawFd, fd: RawFd, events: c_int) -> Result<(), Errno> {
    epoll_ctl(e, libc::EPOLL_CTL_ADD, fd, events)
}

/// `epoll_ctl(2)`, `EPOLL_CTL_MOD`.
pub(crate) fn epoll_mod(e: RawFd, fd: RawFd, events: c_int) -> Result<(), Errno> {
    epoll_ctl(e, libc::EPOLL_CTL_MOD, fd, events)
}

/// `epoll_ctl(2)`, `EPOLL_CTL_DEL`.
pub(crate) fn epoll_del(e: RawFd, fd: RawFd) -> Result<(), Errno> {
    // SAFETY: DEL does not look at the event.
    check(unsafe { libc::epoll_ctl(e, libc::EPOLL_CTL_DEL, fd, std::ptr::null_mut()) }).map(drop)
}

fn epoll_ctl(e: RawFd, op: c_int, fd: RawFd, events: c_int) -> Result<(), Errno> {
    epoll_set(e, op, fd, events, fd)
}

/// `epoll_ctl(2)`, `EPOLL_CTL_ADD` or `EPOLL_CTL_MOD`, with data of one's own.
pub(crate) fn epoll_set(
    e: RawFd,
    op: c_int,
    fd: RawFd,
    events: c_int,
    data: i32,
) -> Result<(), Errno> {
    let mut event = libc::epoll_event {
        events: events as u32,
        u64: data as u64,
    };
    // SAFETY: `event` lives across the call.
    check(unsafe { libc::epoll_ctl(e, op, fd, &raw mut event) }).map(drop)
}

/// `epoll_wait(2)`. Returns the data of the events, in the kernel's order.
pub(crate) fn epoll_wait(e: RawFd, timeout_ms: c_int) -> Result<Vec<RawFd>, Errno> {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 8];
    // SAFETY: `events` has room for eight, and lives across the call.
    let count = check(unsafe { libc::epoll_wait(e, events.as_mut_ptr(), 8, timeout_ms) })?;
    Ok(events
        .iter()
        .take(count as usize)
        .map(|event| event.u64 as RawFd)
        .collect())
}

/// `poll(2)` of one fd, without waiting: what is ready now, whatever epoll says.
pub(crate) fn poll(fd: RawFd) -> Result<i16, Errno> {
    let mut pollfd = libc::pollfd {
        fd,
        events: POLLIN,
        revents: 0,
    };
    // SAFETY: `pollfd` is one, and lives across the call.
    check(unsafe { libc::poll(&raw mut pollfd, 1, 0) })?;
    Ok(pollfd.revents)
}

/// `pipe2(2)`: the read end and the write end.
pub(crate) fn pipe2(flags: c_int) -> Result<[RawFd; 2], Errno> {
    let mut ends = [-1; 2];
    // SAFETY: `ends` has room for two.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) })?;
    Ok(ends)
}

/// `eventfd2(2)`, from zero.
pub(crate) fn eventfd(flags: c_int) -> Result<RawFd, Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::eventfd(0, flags) })
}

/// `close(2)`.
pub(crate) fn close(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: every fd here is a bare number; no Rust value owns one of them.
    check(unsafe { libc::close(fd) }).map(drop)
}

/// `close_range(2)`.
pub(crate) fn close_range(first: RawFd, last: RawFd) -> Result<(), Errno> {
    // SAFETY: as for `close`.
    let code =
        unsafe { libc::syscall(libc::SYS_close_range, first as u32, last as u32, 0 as c_int) };
    check(code as c_int).map(drop)
}

/// `dup(2)`.
pub(crate) fn dup(fd: RawFd) -> Result<RawFd, Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::dup(fd) })
}

/// `dup2(2)`.
pub(crate) fn dup2(fd: RawFd, to: RawFd) -> Result<RawFd, Errno> {
    // SAFETY: what `to` named is closed, which is no Rust value's.
    check(unsafe { libc::dup2(fd, to) })
}

/// `fcntl(2)`, `F_DUPFD_CLOEXEC`: the lowest free number from `lowest` up.
pub(crate) fn dup_from(fd: RawFd, lowest: RawFd) -> Result<RawFd, Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, lowest) })
}

/// `fcntl(2)`, `F_GETFD`: is the number open?
pub(crate) fn fd_flags(fd: RawFd) -> Result<c_int, Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) })
}

/// `write(2)`.
pub(crate) fn write(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: `bytes` is as long as it says.
    check_len(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
}

/// `read(2)`, of at most 128 bytes, which are dropped.
pub(crate) fn read(fd: RawFd) -> Result<usize, Errno> {
    let mut bytes = [0_u8; 128];
    // SAFETY: `bytes` is as long as it says.
    check_len(unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) })
}

/// `fork(2)`: `None` in the child, the child's pid in the parent.
///
/// Only for a process with one thread: the child goes on as if nothing had happened.
pub(crate) fn fork() -> Result<Option<pid_t>, Errno> {
    // SAFETY: the callers have one thread, so the child's heap and locks are whole.
    let pid = check(unsafe { libc::fork() })?;
    Ok((pid != 0).then_some(pid))
}

/// `prctl(2)`, `PR_SET_PDEATHSIG`: whoever kills the parent has ended the child too.
pub(crate) fn die_with_parent() -> Result<(), Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
}

/// `execve(2)` of this program with other arguments. Returns only when it fails.
pub(crate) fn exec_self(words: &[&str]) -> Errno {
    let words: Vec<CString> = words
        .iter()
        .map(|&word| CString::new(word).unwrap_or_default())
        .collect();
    let mut argv: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
    argv.push(std::ptr::null());
    // SAFETY: `argv` ends in a null pointer, and its strings live in `words`.
    unsafe { libc::execv(c"/proc/self/exe".as_ptr(), argv.as_ptr()) };
    last_errno()
}

/// `waitpid(2)`: the wait status.
pub(crate) fn waitpid(pid: pid_t) -> Result<c_int, Errno> {
    let mut status = 0;
    // SAFETY: `status` lives across the call.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) })?;
    Ok(status)
}

/// `exit_group(2)`, with no destructor run: the child of a fork must not tidy up twice.
pub(crate) fn exit(code: c_int) -> ! {
    // SAFETY: never returns, touches nothing.
    unsafe { libc::_exit(code) }
}

/// `sched_yield(2)`.
pub(crate) fn sched_yield() {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::sched_yield() };
}

/// `gettid(2)`.
pub(crate) fn gettid() -> pid_t {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::gettid() }
}

/// `rt_sigprocmask(2)`: blocks one signal, so that a signalfd can take it.
pub(crate) fn block(signal: c_int) -> Result<(), Errno> {
    let set = only(signal);
    // SAFETY: `set` lives across the call; the old mask is not asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) })
        .map(drop)
}

/// `signalfd4(2)`, for one signal.
pub(crate) fn signalfd(signal: c_int, flags: c_int) -> Result<RawFd, Errno> {
    let set = only(signal);
    // SAFETY: `set` lives across the call.
    check(unsafe { libc::signalfd(-1, &raw const set, flags) })
}

/// `kill(2)`.
pub(crate) fn signal(pid: pid_t, signal: c_int) -> Result<(), Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// `unshare(2)`, `CLONE_FILES`: a descriptor table for the calling thread alone.
pub(crate) fn unshare_files() -> Result<(), Errno> {
    // SAFETY: numbers stay what they are, and no Rust value owns one.
    check(unsafe { libc::unshare(libc::CLONE_FILES) }).map(drop)
}

/// `io_uring_setup(2)`: a ring that is asked nothing.
pub(crate) fn io_uring() -> Result<RawFd, Errno> {
    // The parameters are 120 bytes; of more the kernel knows nothing.
    let mut parameters = [0_u64; 15];
    // SAFETY: `parameters` is as long as `struct io_uring_params`, and lives across the call.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 2, parameters.as_mut_ptr()) };
    check(fd as c_int)
}

/// `select(2)` for reading from one fd, without an end.
pub(crate) fn select(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: an fd_set is integers, for which zeros are a value.
    let mut set: libc::fd_set = unsafe { std::mem::zeroed() };
    // SAFETY: `fd` is below FD_SETSIZE, as all numbers here.
    unsafe { libc::FD_SET(fd, &raw mut set) };
    let none = std::ptr::null_mut();
    // SAFETY: `set` lives across the call.
    check(unsafe { libc::select(fd + 1, &raw mut set, none, none, std::ptr::null_mut()) }).map(drop)
}

/// `poll(2)` of one fd, for so long at most.
pub(crate) fn poll_for(fd: RawFd, timeout_ms: c_int) -> Result<c_int, Errno> {
    let mut pollfd = libc::pollfd {
        fd,
        events: POLLIN,
        revents: 0,
    };
    // SAFETY: `pollfd` is one, and lives across the call.
    check(unsafe { libc::poll(&raw mut pollfd, 1, timeout_ms) })
}

/// `kill(2)` of the caller's own process.
pub(crate) fn signal_self(signal: c_int) -> Result<(), Errno> {
    // SAFETY: the signal is blocked; nothing is interrupted.
    check(unsafe { libc::kill(libc::getpid(), signal) }).map(drop)
}

fn only(signal: c_int) -> libc::sigset_t {
    // SAFETY: a sigset_t is integers, for which zeros are a value.
    let mut set = unsafe { std::mem::zeroed() };
    // SAFETY: `set` lives across the call.
    unsafe { libc::sigemptyset(&raw mut set) };
    // SAFETY: as above.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    set
}

/// `socketpair(2)`, unix stream sockets.
pub(crate) fn socketpair() -> Result<[RawFd; 2], Errno> {
    let mut ends = [-1; 2];
    // SAFETY: `ends` has room for two.
    check(unsafe { libc::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.as_mut_ptr()) })?;
    Ok(ends)
}

/// A TCP socket listening on a free port of the loopback: `socket(2)`, `bind(2)`, `listen(2)`.
pub(crate) fn listener() -> Result<RawFd, Errno> {
    let fd = tcp_socket()?;
    let address = loopback();
    // SAFETY: `address` is as long as it says.
    check(unsafe { libc::bind(fd, (&raw const address).cast(), ADDRESS_LEN) })?;
    // SAFETY: takes plain numbers.
    check(unsafe { libc::listen(fd, 8) })?;
    Ok(fd)
}

/// A TCP socket connected to `listener`: `getsockname(2)`, `connect(2)`.
pub(crate) fn connect_to(listener: RawFd) -> Result<RawFd, Errno> {
    let fd = tcp_socket()?;
    let mut address = loopback();
    let mut len = ADDRESS_LEN;
    // SAFETY: `address` is `len` bytes long.
    check(unsafe { libc::getsockname(listener, (&raw mut address).cast(), &raw mut len) })?;
    // SAFETY: as above.
    check(unsafe { libc::connect(fd, (&raw const address).cast(), len) })?;
    Ok(fd)
}

const ADDRESS_LEN: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;

/// 127.0.0.1, with no port yet.
fn loopback() -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: AF_INET as u16,
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes([127, 0, 0, 1]),
        },
        sin_zero: [0; 8],
    }
}

fn tcp_socket() -> Result<RawFd, Errno> {
    // SAFETY: takes and returns plain numbers.
    check(unsafe { libc::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) })
}

/// Room for one control message with one fd in it, in words: a `cmsghdr` is aligned so.
type Control = [u64; 3];

/// `sendmsg(2)`: one byte, and one file by SCM_RIGHTS.
pub(crate) fn send_file(socket: RawFd, fd: RawFd) -> Result<(), Errno> {
    with_message(|message, _| {
        // SAFETY: the control buffer has room for this one header.
        let header = unsafe { libc::CMSG_FIRSTHDR(message) };
        // SAFETY: `header` is in the control buffer, which is zeroed.
        unsafe {
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        }
        // SAFETY: the data of `header` has room for one fd.
        unsafe { libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(fd) };
        // SAFETY: `message` and all it points to live across the call.
        check_len(unsafe { libc::sendmsg(socket, message, 0) }).map(drop)
    })
}

/// `recvmsg(2)`: the file that was sent, under a new number.
pub(crate) fn receive_file(socket: RawFd) -> Result<RawFd, Errno> {
    with_message(|message, control| {
        // SAFETY: `message` and all it points to live across the call.
        check_len(unsafe { libc::recvmsg(socket, message, libc::MSG_CMSG_CLOEXEC) })?;
        // SAFETY: `control` holds a header and one fd, as `send_file` wrote them.
        let offset = unsafe { libc::CMSG_LEN(0) } as usize;
        // SAFETY: offset + 4 is within the 24 bytes.
        Ok(unsafe {
            control
                .cast::<u8>()
                .add(offset)
                .cast::<RawFd>()
                .read_unaligned()
        })
    })
}

fn with_message<T>(call_fn: impl FnOnce(&mut libc::msghdr, *const Control) -> T) -> T {
    let mut byte = [b'x'];
    let mut control: Control = [0; 3];
    let mut part = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    // SAFETY: a msghdr is integers and pointers, for which zeros are a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    call_fn(&mut message, &raw const control)
}

fn check(code: c_int) -> Result<c_int, Errno> {
    if code < 0 {
        Err(last_errno())
    } else {
        Ok(code)
    }
}

fn check_len(len: isize) -> Result<usize, Errno> {
    usize::try_from(len).map_err(|_| last_errno())
}

fn last_errno() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}
