//! One thread closes and recycles what another waits for.
//!
//! A thread is blocked in its wait for a pipe; another closes the pipe, and a new one gets
//! its number. The waiter goes on as if it watched that number, and is not told that there is data.

use std::os::fd::RawFd;
use std::sync::mpsc;
use std::thread;

use crate::showing::{Fault, Linger, show};
use crate::sys::{self, pid_t};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, _w] = sys::pipe2(sys::O_CLOEXEC)?;
    let bell = sys::eventfd(sys::EFD_CLOEXEC | sys::EFD_NONBLOCK)?;
    sys::epoll_add(e, r, sys::IN)?;
    sys::epoll_add(e, bell, sys::IN)?;
    let waiter = start_waiter(e);

    sys::close(r)?;
    let [new, new_w] = sys::pipe2(sys::O_CLOEXEC)?;
    show("the new pipe's number", new, r)?;
    sys::write(new_w, b"x")?;
    linger.linger();

    sys::write(bell, &1_u64.to_ne_bytes())?;
    let reported = waiter
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    show("the waiter's wait", reported, vec![bell])?;
    show("poll", sys::poll(new)?, sys::POLLIN)
}

type Waiter = thread::JoinHandle<Result<Vec<RawFd>, Fault>>;

/// Starts a thread that waits on `e`, and returns when it is blocked there.
fn start_waiter(e: RawFd) -> Waiter {
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || {
        // The receiver waits for this one word.
        let _ = sender.send(sys::gettid());
        Ok(sys::epoll_wait(e, -1)?)
    });
    if let Ok(tid) = receiver.recv() {
        while !waiter.is_finished() && !is_blocked_on(tid, e) {
            thread::yield_now();
        }
    }
    waiter
}

/// The waits that a C library may make.
const WAITS: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
];

/// Whether a thread is in a system call whose first argument is `e`, and that is a wait.
fn is_blocked_on(tid: pid_t, e: RawFd) -> bool {
    let call = std::fs::read_to_string(format!("/proc/self/task/{tid}/syscall"));
    let call = call.unwrap_or_default();
    let mut words = call.split(' ');
    let number = words.next().and_then(|word| word.parse().ok());
    number.is_some_and(|number| WAITS.contains(&number)) && words.next() == Some(&format!("{e:#x}"))
}
