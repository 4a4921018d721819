//! Another process's file: a copy of it, and whether it is ready.

use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use crate::snapshot::Kind;

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
///
/// An instance and a signalfd are refused, with `EOPNOTSUPP`: what they answer depends on who asks.
pub(crate) fn ready(file: &OwnedFd, events: PollFlags) -> rustix::io::Result<PollFlags> {
    if answers_by_asker(file) {
        return Err(rustix::io::Errno::OPNOTSUPP);
    }
    poll_now(file, events)
}

/// True for a signalfd, which tells of the asker's own signals, and for an instance, which asks the files in it: one that
/// is not ready for the asker leaves the ready list, and its own process is not told of it any more. Linux:
/// `signalfd_poll`, `__ep_eventpoll_poll`.
fn answers_by_asker(file: &OwnedFd) -> bool {
    let link = format!("/proc/thread-self/fd/{}", file.as_raw_fd());
    let target = rustix::fs::readlink(link, Vec::new());
    target.map_or(true, |target| {
        let kind = Kind::of_target(target.as_bytes());
        matches!(kind, Kind::Epoll | Kind::Signalfd)
    })
}

/// The same of an instance that has no signalfd in it, nor an instance with one: see
/// [`Snapshot::can_be_polled`](crate::Snapshot::can_be_polled).
pub(crate) fn instance_ready(instance: &OwnedFd) -> rustix::io::Result<PollFlags> {
    poll_now(instance, PollFlags::IN)
}

fn poll_now(file: &OwnedFd, events: PollFlags) -> rustix::io::Result<PollFlags> {
    let mut polled = [PollFd::new(file, events)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut polled, Some(&at_once))?;
    Ok(polled[0].revents())
}
