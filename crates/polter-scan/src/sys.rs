//! The only unsafe code: `kcmp`, `signalfd`, a thread's own descriptor table, and work that
//! outlives its process.
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

/// `getsockopt(2)`, `SO_PEERCRED`: who made a pair of sockets, or listened for this one.
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
    // A maker in another namespace has no number here.
    u32::try_from(peer.pid)
        .ok()
        .filter(|pid| code == 0 && *pid > 0)
}

/// `ioctl(2)`, `FIONREAD`: bytes that nobody has read; nothing where they are not counted.
pub(crate) fn unread(file: &OwnedFd) -> Option<i32> {
    count(file, libc::FIONREAD)
}

/// `ioctl(2)`, `TIOCOUTQ`: bytes that are not sent yet; nothing where they are not counted.
pub(crate) fn unsent(file: &OwnedFd) -> Option<i32> {
    count(file, libc::TIOCOUTQ)
}

fn count(file: &OwnedFd, request: libc::Ioctl) -> Option<i32> {
    let mut count: libc::c_int = 0;
    // SAFETY: both requests write one int, which lives across the call.
    let code = unsafe { libc::ioctl(file.as_raw_fd(), request, &raw mut count) };
    (code == 0).then_some(count)
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

/// Stack of what is done apart.
const STACK: usize = 256 << 10;

/// Does something in a process of its own, and waits for it: what ends this process, or its
/// whole group or session, does not end that.
///
/// It has the caller's memory and descriptor table, as `vfork(2)`'s child has the memory, and
/// hears no signal. The calling thread stands still meanwhile. Should it be killed, so are all
/// others, one perhaps while it held a lock: the work takes none, and so no memory either.
pub(crate) fn do_apart(mut work: &mut dyn FnMut()) -> io::Result<()> {
    extern "C" fn begin(work: *mut libc::c_void) -> libc::c_int {
        // SAFETY: takes nothing, and only changes whose signals this process hears.
        unsafe { libc::setsid() };
        // Whoever kills the program by its name does not mean this.
        // SAFETY: reads a text that ends with a zero.
        unsafe { libc::prctl(libc::PR_SET_NAME, c"exorcist".as_ptr()) };
        // SAFETY: the caller stands still and keeps it alive; if it is killed, its stack stays.
        let work = unsafe { &mut *work.cast::<&mut dyn FnMut()>() };
        work();
        0
    }
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES;
    let masked = Masked::all()?;
    // SAFETY: it has a stack of its own, and the caller's thread-local memory while that thread
    // stands still, which is what posix_spawn(3) does.
    let pid = unsafe {
        libc::clone(
            begin,
            stack.as_mut_ptr_range().end.cast(),
            flags,
            (&raw mut work).cast(),
        )
    };
    let failed = io::Error::last_os_error();
    drop(masked);
    if pid < 0 {
        return Err(failed);
    }
    // It has ended, and is nobody else's to wait for.
    // SAFETY: a status is not asked for.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL) };
    Ok(())
}

/// All signals of this thread, kept back as long as this value lives.
struct Masked(libc::sigset_t);

impl Masked {
    fn all() -> io::Result<Masked> {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: fills the set it is given.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: the first set was filled, the second is written.
        let code =
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code));
        }
        // SAFETY: it was written.
        Ok(Masked(unsafe { before.assume_init() }))
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        // SAFETY: the set is what the kernel gave.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}
