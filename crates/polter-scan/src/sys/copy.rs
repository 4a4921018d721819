//! Another process's file: a copy of it, and whether it is ready.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

/// `pidfd_getfd(2)`: a copy of another process's fd.
///
/// A copy keeps the file open, so the process's own close would not release it: the caller holds
/// it only for the moment of a call or two.
pub(crate) fn copy_of(pid: u32, fd: i32) -> rustix::io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid.cast_signed()).ok_or(rustix::io::Errno::SRCH)?;
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(&process, fd, PidfdGetfdFlags::empty())
}

/// Whether another process's file has one of these events now; `None` if it cannot be asked.
pub(crate) fn is_ready(pid: u32, fd: i32, events: PollFlags) -> Option<bool> {
    let file = copy_of(pid, fd).ok()?;
    Some(!ready(&file, events).ok()?.is_empty())
}

/// `poll(2)` without waiting. Hang-ups and errors are reported unasked.
pub(crate) fn ready(file: &OwnedFd, events: PollFlags) -> rustix::io::Result<PollFlags> {
    let mut polled = [PollFd::new(file, events)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut polled, Some(&at_once))?;
    Ok(polled[0].revents())
}
