//! The only unsafe code: `kcmp`, `signalfd`, and a thread's own descriptor table.
#![allow(unsafe_code, reason = "this module is the crate's door to the kernel")]

use std::cmp::Ordering;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Linux: `enum kcmp_type`.
const KCMP_FILE: libc::c_int = 0;
const KCMP_FILES: libc::c_int = 2;
const KCMP_EPOLL_TFD: libc::c_int = 7;

/// A registration, as `kcmp(2)` names it. Linux: `struct kcmp_epoll_slot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct EpollSlot {
    pub(crate) efd: u32,
    pub(crate) tfd: u32,
    /// Which, of the registrations of one number.
    pub(crate) toff: u32,
}

/// `kcmp(2)`, `KCMP_FILE`: orders two descriptors by their files.
pub(crate) fn kcmp_file(a: (u32, i32), b: (u32, i32)) -> io::Result<Ordering> {
    kcmp(a.0, b.0, KCMP_FILE, a.1 as u64, b.1 as u64)
}

/// `kcmp(2)`, `KCMP_FILES`: orders two tasks by their descriptor tables.
pub(crate) fn kcmp_table(a: u32, b: u32) -> io::Result<Ordering> {
    kcmp(a, b, KCMP_FILES, 0, 0)
}

/// `kcmp(2)`, `KCMP_EPOLL_TFD`: orders a descriptor's file and a registration's.
///
/// The order is that of [`kcmp_file`].
pub(crate) fn kcmp_registration(
    a: (u32, i32),
    holder: u32,
    slot: EpollSlot,
) -> io::Result<Ordering> {
    // `slot` lives until the call has returned.
    kcmp(
        a.0,
        holder,
        KCMP_EPOLL_TFD,
        a.1 as u64,
        (&raw const slot) as u64,
    )
}

fn kcmp(a: u32, b: u32, kind: libc::c_int, x: u64, y: u64) -> io::Result<Ordering> {
    // SAFETY: reads at most the slot `y` points to, which the caller keeps alive.
    match unsafe { libc::syscall(libc::SYS_kcmp, a, b, kind, x, y) } {
        0 => Ok(Ordering::Equal),
        1 => Ok(Ordering::Less),
        2 => Ok(Ordering::Greater),
        -1 => Err(io::Error::last_os_error()),
        // "Not equal, and no order to be had": kcmp(2).
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// `signalfd(2)` that waits for nothing.
#[cfg(feature = "bpf")]
pub(crate) fn signalfd() -> io::Result<OwnedFd> {
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: fills the set it is given.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was filled; -1 asks for a new descriptor.
    let fd = unsafe { libc::signalfd(-1, none.as_ptr(), libc::SFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `close_range(2)`, `CLOSE_RANGE_UNSHARE`: gives the calling thread a table of
/// its own, and an empty one.
///
/// The other threads keep theirs. From here on the thread must touch no
/// descriptor that was opened before.
pub(crate) fn take_empty_table() -> io::Result<()> {
    const CLOSE_RANGE_UNSHARE: libc::c_uint = 1 << 1;
    // SAFETY: nothing is closed for anybody else, and the caller owns nothing yet.
    let code = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            0,
            libc::c_uint::MAX,
            CLOSE_RANGE_UNSHARE,
        )
    };
    if code < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `dup3(2)` to a number that is free in the caller's table.
pub(crate) fn dup_to(file: BorrowedFd<'_>, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes plain numbers; nobody owns `number` in this table.
    let fd = unsafe { libc::dup3(file.as_raw_fd(), number, libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
