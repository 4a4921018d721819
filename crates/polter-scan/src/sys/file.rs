//! Questions to an open file.

#[cfg(feature = "bpf")]
use std::os::fd::FromRawFd as _;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// `getsockopt(2)`, `SO_PEERCRED`: who made a pair of sockets, or listened for this connection.
pub(crate) fn peer_of(socket: &OwnedFd) -> Option<u32> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` is `len` bytes long, and any bytes make one.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut len,
        )
    };
    // The kernel says 0 for a process of another pid namespace.
    u32::try_from(peer.pid)
        .ok()
        .filter(|pid| code == 0 && *pid > 0)
}

/// `ioctl(2)`, `FIONREAD`: bytes that nobody has read; `None` for a file that does not count them.
pub(crate) fn unread(file: &OwnedFd) -> Option<i32> {
    count(file, libc::FIONREAD)
}

/// `ioctl(2)`, `TIOCOUTQ`: bytes that are not sent yet; `None` for a file that does not count them.
pub(crate) fn unsent(file: &OwnedFd) -> Option<i32> {
    count(file, libc::TIOCOUTQ)
}

/// Where `struct tcp_info` has its fields. Linux: include/uapi/linux/tcp.h, which only ever grows at its end.
pub(super) const TCPI_UNACKED: usize = 24;
pub(super) const TCPI_SACKED: usize = 28;
pub(super) const TCPI_BYTES_ACKED: usize = 120;
pub(super) const TCPI_BYTES_RECEIVED: usize = 128;
const TCP_INFO_BYTES: usize = 136;

/// `getsockopt(2)`, `TCP_INFO`: the head of a TCP socket's state; `None` for any other file.
pub(super) fn tcp_info(socket: &OwnedFd) -> Option<[u8; TCP_INFO_BYTES]> {
    let mut info = [0; TCP_INFO_BYTES];
    let mut len = TCP_INFO_BYTES as libc::socklen_t;
    // SAFETY: `info` is `len` bytes long, and any bytes make one.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    (code == 0 && len as usize == TCP_INFO_BYTES).then_some(info)
}

fn count(file: &OwnedFd, request: libc::Ioctl) -> Option<i32> {
    let mut count: libc::c_int = 0;
    // SAFETY: both requests write one int, which lives across the call.
    let code = unsafe { libc::ioctl(file.as_raw_fd(), request, &raw mut count) };
    (code == 0).then_some(count)
}

/// `signalfd(2)` with an empty set.
#[cfg(feature = "bpf")]
pub(crate) fn signalfd() -> std::io::Result<OwnedFd> {
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: fills the set it is given.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was filled; -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, none.as_ptr(), libc::SFD_CLOEXEC) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
