//! Process descriptors.

use crate::file::FileKind;
use crate::ids::{Fd, Pid, ProcessId, Tid};
use crate::process::Life;
use crate::syscall::flags;
use crate::{Errno, Events, Kernel};

impl Kernel {
    /// `pidfd_open(2)`.
    pub fn pidfd_open(&mut self, caller: Tid, pid: Pid, flags: u32) -> Result<Fd, Errno> {
        if flags & !(flags::PIDFD_NONBLOCK | flags::PIDFD_THREAD) != 0 || pid.0 <= 0 {
            return Err(Errno::EINVAL);
        }
        let is_thread = flags & flags::PIDFD_THREAD != 0;
        let (process, thread) = match (self.process_numbered(pid), self.tid(pid)) {
            (_, Some(tid)) if is_thread => (self.tasks[tid].process, Some(tid)),
            (Some(process), _) => (process, None),
            (None, Some(_)) => return Err(self.version.pidfd_open_of_thread()),
            (None, None) => return Err(Errno::ESRCH),
        };
        self.room_for_fds(caller, 1)?;
        self.processes[process].pidfds += 1;
        let kept = flags & !flags::PIDFD_THREAD | flags::O_RDWR | flags::O_CLOEXEC;
        self.install_new(caller, FileKind::Pidfd { process, thread }, kept)
    }

    /// Readable when the process has ended. Linux: `pidfd_poll`.
    pub(crate) fn poll_pidfd(&self, process: ProcessId, thread: Option<Tid>) -> Events {
        let is_thread_gone = thread.is_some_and(|tid| self.tasks.get(tid).is_none());
        match self.processes[process].life {
            Life::Running if !is_thread_gone => Events::empty(),
            Life::Running | Life::Zombie(_) => Events::READABLE,
            Life::Reaped => Events::READABLE | Events::HUP,
        }
    }

    pub(crate) fn release_pidfd(&mut self, process: ProcessId) {
        self.processes[process].pidfds -= 1;
        if self.processes[process].pidfds == 0 && self.processes[process].life == Life::Reaped {
            self.forget_process(process);
        }
    }
}
