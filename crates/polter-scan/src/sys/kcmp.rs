//! `kcmp(2)`: whether two fds name one file, and in which order the kernel keeps the files.

use std::cmp::Ordering;
use std::io;

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
    /// Which one it is of the registrations of that fd.
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
