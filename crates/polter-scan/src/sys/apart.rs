//! A thread's own descriptor table, and work that outlives its process.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// `close_range(2)`, `CLOSE_RANGE_UNSHARE`: gives the calling thread a table of
/// its own, and an empty one.
///
/// The other threads keep theirs. From here on the thread must not use an fd that was opened
/// before.
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

/// `dup3(2)` to an fd that is free in the caller's table.
pub(crate) fn dup_to(file: BorrowedFd<'_>, fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: takes plain integers; nobody owns `fd` in this table.
    let fd = unsafe { libc::dup3(file.as_raw_fd(), fd, libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The stack of the process that works apart.
pub(super) const STACK: usize = 256 << 10;

/// Does `work` in a process of its own, and waits for it. A signal that ends this process, its
/// group or its session does not end the work.
///
/// The new process shares the caller's memory, as `vfork(2)`'s child does, and its descriptor
/// table; every signal that can be is blocked in it. The calling thread is suspended meanwhile.
/// If this process is killed, another of its threads may die while it holds a lock, and that lock
/// is never released: so the work must take no lock, and therefore must not allocate.
pub(crate) fn do_apart(mut work: &mut dyn FnMut()) -> io::Result<()> {
    extern "C" fn begin(work: *mut libc::c_void) -> libc::c_int {
        set_apart();
        // SAFETY: the caller is suspended and keeps it alive; if it is killed, the memory stays,
        // for this process shares it.
        let work = unsafe { &mut *work.cast::<&mut dyn FnMut()>() };
        work();
        0
    }
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES;
    // Blocked before the clone, because the child inherits the mask: a handler must not run in it.
    let masked = Masked::all()?;
    // SAFETY: the child has a stack of its own, and uses the caller's thread-local memory only
    // while that thread is suspended, as posix_spawn(3) does.
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
    wait_for(pid, 0);
    Ok(())
}

/// Keeps the calling process from what may end its parent.
pub(super) fn set_apart() {
    // A Ctrl-C, or a kill of the whole group, must not reach the work.
    // SAFETY: takes nothing, and only changes this process's session and group.
    unsafe { libc::setsid() };
    // `pkill polter` must not match it.
    // SAFETY: reads a text that ends with a zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"exorcist".as_ptr()) };
}

/// `waitpid(2)` for a process that was cloned without an exit signal: it is not waited for without `__WALL`.
pub(super) fn wait_for(pid: libc::pid_t, flags: libc::c_int) -> libc::pid_t {
    // SAFETY: no status is asked for.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL | flags) }
}

/// Blocks every signal of this thread as long as this value lives.
pub(super) struct Masked(libc::sigset_t);

impl Masked {
    pub(super) fn all() -> io::Result<Masked> {
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
