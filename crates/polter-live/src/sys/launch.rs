//! The keeper's launch: from the supervisor's memory to a clean process.

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{null, null_mut};

/// How the keeper is to be started.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// The ELF file to run.
    pub(crate) image: &'a OwnedFd,
    /// Its arguments.
    pub(crate) argv: [&'a CStr; 2],
    /// Is it the first process of a new pid namespace, or a subreaper?
    pub(crate) in_namespace: bool,
    /// What it gets when the thread that launches it ends.
    pub(crate) death_signal: c_int,
}

/// A signal's action as the kernel has it: handler, flags, restorer, mask.
type KernelSigaction = [u64; 4];

impl Launch<'_> {
    /// Starts the keeper, and gives its descriptor. As with `posix_spawn(3)`
    /// the child borrows this thread's memory until it has exec'ed: no page
    /// table is copied, and nothing is allocated or locked, whatever other
    /// threads do.
    pub(crate) fn run(&self) -> io::Result<OwnedFd> {
        let mut stack = vec![0u128; 4096];
        let mut pidfd: c_int = -1;
        let namespace = if self.in_namespace {
            libc::CLONE_NEWPID
        } else {
            0
        };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | namespace;
        let argument: *const Launch<'_> = self;
        let blocked = !0u64;
        let mut before = 0u64;
        set_mask(&blocked, &mut before);
        // SAFETY: the stack is the child's alone, and outlives it, as does
        // `self`: this thread sleeps until the child has exec'ed or exited.
        let pid = unsafe {
            libc::clone(
                become_keeper,
                stack.as_mut_ptr_range().end.cast(),
                flags,
                argument.cast_mut().cast(),
                &raw mut pidfd,
            )
        };
        let launched = io::Error::last_os_error();
        set_mask(&before, null_mut());
        if pid < 0 {
            return Err(launched);
        }
        // SAFETY: `CLONE_PIDFD` has just made it for us.
        Ok(unsafe { OwnedFd::from_raw_fd(pidfd) })
    }
}

/// The child's side. Every signal is blocked until just before the exec.
///
/// Whatever the supervisor's death catches before `PR_SET_PDEATHSIG`, the
/// worker catches after it: it opens the region through the supervisor's
/// `/proc` entry, and exits if that is gone.
extern "C" fn become_keeper(launch: *mut c_void) -> c_int {
    // SAFETY: `Launch::run` passes itself, and sleeps meanwhile.
    let launch = unsafe { &*launch.cast::<Launch<'_>>() };
    // SAFETY: no memory is involved.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, launch.death_signal) };
    // SAFETY: no memory is involved.
    unsafe {
        libc::prctl(
            libc::PR_SET_CHILD_SUBREAPER,
            c_int::from(!launch.in_namespace),
        )
    };
    // SAFETY: no memory is involved. The terminal's signals are not for scripts.
    unsafe { libc::setsid() };
    default_signals();
    // SAFETY: the path ends with NUL.
    unsafe { libc::chdir(c"/".as_ptr()) };
    let no_core = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit lives through the call.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &no_core) };
    // SAFETY: the path ends with NUL.
    let null_device = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
    for fd in 0..3 {
        // SAFETY: no memory is involved.
        unsafe { libc::dup2(null_device, fd) };
    }
    // SAFETY: no memory is involved; only marks this process's own descriptors.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    let argv = [launch.argv[0].as_ptr(), launch.argv[1].as_ptr(), null()];
    set_mask(&0, null_mut());
    // SAFETY: path and arguments end with NUL, the lists with a null pointer.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            launch.image.as_raw_fd(),
            c"".as_ptr(),
            argv.as_ptr(),
            &raw const argv[2],
            libc::AT_EMPTY_PATH,
        )
    };
    1
}

/// Sets every signal to `SIG_DFL`: an exec forgets handlers, but keeps what
/// is ignored, and Rust programs ignore `SIGPIPE`.
fn default_signals() {
    let default: KernelSigaction = [0; 4];
    for signal in 1..=64 {
        // SAFETY: the action lives through the call, and the mask's size is given.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const default,
                null::<KernelSigaction>(),
                8,
            )
        };
    }
}

/// `rt_sigprocmask(2)`, `SIG_SETMASK`, of the calling thread.
fn set_mask(mask: &u64, before: *mut u64) {
    let how = libc::SIG_SETMASK;
    let mask: *const u64 = mask;
    // SAFETY: both masks are eight bytes or null, and live through the call.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, mask, before, 8) };
}
