//! A process apart that lasts: work that must be completed even if this process is killed, again and again.
//!
//! A new process waits for a CPU where all are busy, for a millisecond and more. One that was asleep is served at once.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, getpid, getppid};
use rustix::thread::futex;
use rustix::time::Timespec;

use super::apart::{Masked, STACK, set_apart, wait_for};

const IDLE: u32 = 0;
const WORK: u32 = 1;
const DONE: u32 = 2;
const OVER: u32 = 3;

/// How often the process looks whether this one is still there, and this one whether the other is.
const LOOK: Duration = Duration::from_millis(500);

/// A process that shares this one's memory and the descriptor table of the thread that has started it; every signal that can
/// be is blocked in it. It ends when this value is dropped, or half a second after this process.
///
/// Only that thread may use it. The two share its thread-local memory: while one works, the other waits, in calls that do not
/// touch it.
#[derive(Debug)]
pub(crate) struct Lasting {
    shared: Box<Shared>,
    /// The process works on it, so it is given back when that has ended.
    _stack: Vec<u128>,
    /// 0 if it has ended.
    pid: libc::pid_t,
}

#[derive(Debug)]
struct Shared {
    state: AtomicU32,
    /// What is to be done, where the state is `WORK`.
    work: AtomicPtr<libc::c_void>,
    parent: Pid,
}

impl Lasting {
    /// Starts the process.
    pub(crate) fn start() -> io::Result<Lasting> {
        let shared = Box::new(Shared {
            state: AtomicU32::new(IDLE),
            work: AtomicPtr::new(ptr::null_mut()),
            parent: getpid(),
        });
        let mut stack = vec![0_u128; STACK / size_of::<u128>()];
        // Blocked before the clone, because the child inherits the mask: a handler must not run in it.
        let masked = Masked::all()?;
        // SAFETY: the child has a stack of its own, and what it shares lives until it has ended: `drop` waits for it, and if
        // this process is killed, the memory stays. While both run, the child calls nothing that uses thread-local memory.
        let pid = unsafe {
            libc::clone(
                serve,
                stack.as_mut_ptr_range().end.cast(),
                libc::CLONE_VM | libc::CLONE_FILES,
                ptr::from_ref(&*shared).cast_mut().cast(),
            )
        };
        let failed = io::Error::last_os_error();
        drop(masked);
        if pid < 0 {
            return Err(failed);
        }
        Ok(Lasting {
            shared,
            _stack: stack,
            pid,
        })
    }

    /// Has the process do `work`, and waits for it. If this process is killed, another of its threads may die while it
    /// holds a lock, and that lock is never released: so the work must take no lock, and therefore must not allocate.
    ///
    /// An error if the process has ended: somebody has killed it. The next time there is another one.
    pub(crate) fn run(&mut self, mut work: &mut dyn FnMut()) -> io::Result<()> {
        if self.pid == 0 {
            *self = Lasting::start()?;
        }
        let shared = &*self.shared;
        shared.work.store((&raw mut work).cast(), Ordering::SeqCst);
        shared.set(WORK);
        let mut looked = Instant::now();
        while shared.state.load(Ordering::SeqCst) == WORK {
            shared.wait(WORK);
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                if wait_for(self.pid, libc::WNOHANG) == self.pid {
                    self.pid = 0;
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        Ok(())
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        if self.pid != 0 {
            self.shared.set(OVER);
            wait_for(self.pid, 0);
        }
    }
}

impl Shared {
    fn set(&self, state: u32) {
        self.state.store(state, Ordering::SeqCst);
        // It fails for no address that is valid.
        let _ = futex::wake(&self.state, futex::Flags::empty(), u32::MAX);
    }

    /// Waits until the state is another one, or for a while. Sets no `errno`.
    fn wait(&self, state: u32) {
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(LOOK.subsec_nanos()),
        };
        match futex::wait(&self.state, futex::Flags::empty(), state, Some(&timeout)) {
            Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
            Err(errno) => debug_assert!(false, "a futex that cannot be waited for: {errno}"),
        }
    }
}

/// What the process does.
extern "C" fn serve(shared: *mut libc::c_void) -> libc::c_int {
    set_apart();
    // SAFETY: it lives until this process has ended.
    let shared = unsafe { &*shared.cast::<Shared>() };
    loop {
        match shared.state.load(Ordering::SeqCst) {
            WORK => {
                let work = shared.work.load(Ordering::SeqCst);
                // SAFETY: the thread that has put it there waits until the state is another one, and the memory stays if
                // it is killed.
                let work = unsafe { &mut *work.cast::<&mut dyn FnMut()>() };
                work();
                shared.set(DONE);
            }
            OVER => return 0,
            state => {
                shared.wait(state);
                if getppid() != Some(shared.parent) {
                    return 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_works_again_and_again_in_another_process() {
        let mut lasting = Lasting::start().unwrap();
        let (mut sum, mut pids) = (0, Vec::with_capacity(100));
        for at in 0..100 {
            lasting
                .run(&mut || {
                    sum += at;
                    pids.push(getpid());
                })
                .unwrap();
        }
        assert_eq!(sum, 4950);
        assert!(pids.iter().all(|pid| *pid == pids[0]) && pids[0] != getpid());
    }

    #[test]
    fn another_one_comes_for_one_that_was_killed() {
        let mut lasting = Lasting::start().unwrap();
        let pid = Pid::from_raw(lasting.pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        assert!(lasting.run(&mut || ()).is_err());
        let mut is_done = false;
        lasting.run(&mut || is_done = true).unwrap();
        assert!(is_done);
    }

    /// Set for the process that is killed while its work is being done.
    const KILLED: &str = "POLTER_TEST_KILLED";

    #[test]
    fn what_was_begun_is_completed_though_this_process_is_killed() {
        if std::env::var_os(KILLED).is_some() {
            let parent = getpid();
            let mut lasting = Lasting::start().unwrap();
            let _ = lasting.run(&mut || {
                let _ = rustix::process::kill_process(parent, rustix::process::Signal::KILL);
                while getppid() == Some(parent) {
                    std::thread::yield_now();
                }
                // SAFETY: stdout is open, and the text is as long as it says.
                unsafe { libc::write(1, c"completed".as_ptr().cast(), 9) };
            });
        }
        let program = std::env::current_exe().unwrap();
        let test = "sys::lasting::tests::what_was_begun_is_completed_though_this_process_is_killed";
        // It reads to the end of the pipe, and the other process has it too: so that one ends.
        let output = std::process::Command::new(program)
            .args(["--exact", test, "--nocapture"])
            .env(KILLED, "1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), None);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.ends_with("completed"), "{said}");
    }
}
