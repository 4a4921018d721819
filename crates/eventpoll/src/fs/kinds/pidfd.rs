//! Process descriptors.

use crate::abi::{Ioctl, Out, Return, flags};
use crate::fs::{File, FileKind, PidfdOf};
use crate::store::{Fd, FileId, Pid, ProcessId, QueueId, Tid};
use crate::task::Life;
use crate::{Errno, Events, Kernel};

impl Kernel {
    /// `pidfd_open(2)`.
    pub fn pidfd_open(&mut self, caller: Tid, pid: Pid, flags: u32) -> Result<Fd, Errno> {
        let mut known = flags::PIDFD_NONBLOCK;
        if self.version.has_pidfd_thread() {
            known |= flags::PIDFD_THREAD;
        }
        if flags & !known != 0 || pid.0 <= 0 {
            return Err(Errno::EINVAL);
        }
        let numbered = *self.pids.get(&pid).ok_or(Errno::ESRCH)?;
        let is_leader = self.processes[numbered.process].pid == pid;
        let is_of_thread = flags & flags::PIDFD_THREAD != 0;
        let of = match numbered.task {
            _ if is_of_thread && is_leader && self.version.leader_stands_for_all() => {
                PidfdOf::Process
            }
            Some(tid) if is_of_thread => PidfdOf::Thread(tid),
            None if is_of_thread => PidfdOf::GoneThread { is_leader },
            _ if is_leader => PidfdOf::Process,
            _ => return Err(self.version.pidfd_open_of_thread()),
        };
        self.room_for_fds(caller, 1)?;
        self.install_pidfd(caller, numbered.process, of, flags)
    }

    /// Linux: `pidfd_prepare`. Always close-on-exec.
    pub(crate) fn install_pidfd(
        &mut self,
        caller: Tid,
        process: ProcessId,
        of: PidfdOf,
        flags: u32,
    ) -> Result<Fd, Errno> {
        let mut flags = flags | flags::O_RDWR | flags::O_CLOEXEC;
        // F_GETFL shows it.
        if of != PidfdOf::Process {
            flags |= flags::PIDFD_THREAD;
        }
        let queue = match of {
            PidfdOf::Thread(tid) if self.tasks[tid].pid != self.processes[process].pid => {
                let other = self.pidfds_of(tid).next();
                other.map_or_else(|| self.waits.create(), |(_, queue)| queue)
            }
            _ => self.processes[process].pidfd_queue,
        };
        let kind = FileKind::Pidfd { process, of, queue };
        let fd = self.install_new(caller, kind, flags)?;
        self.processes[process].pidfds += 1;
        if let PidfdOf::Thread(tid) = of {
            self.tasks[tid].has_pidfd = true;
        }
        Ok(fd)
    }

    /// Readable when the process or thread has ended. Linux: `pidfd_poll`.
    pub(crate) fn poll_pidfd(&self, process: ProcessId, of: PidfdOf) -> Events {
        match (self.processes[process].life, of) {
            (Life::Reaped, _) | (_, PidfdOf::GoneThread { is_leader: false }) => {
                if self.version.has_pidfd_hangup() {
                    Events::READABLE | Events::HUP
                } else {
                    Events::READABLE
                }
            }
            (Life::Zombie(_), _) | (_, PidfdOf::GoneThread { is_leader: true }) => Events::READABLE,
            (Life::Running, _) => Events::empty(),
        }
    }

    /// `ioctl(2)`, of which none here is a pidfd's own. Linux: `pidfd_ioctl`.
    pub(crate) fn ioctl_pidfd(
        &self,
        process: ProcessId,
        of: PidfdOf,
        request: Ioctl,
    ) -> Result<Return, Errno> {
        // All but the hand-over have an argument.
        match request {
            Ioctl::Fionread if self.version.has_regular_pidfd() => {
                Ok(Return::with(0, Out::Available(0)))
            }
            Ioctl::EpollAdopt
                if self.version.has_wary_pidfd_ioctl() && !self.is_task_alive(process, of) =>
            {
                Err(Errno::ESRCH)
            }
            Ioctl::EpollAdopt => Err(Errno::ENOTTY),
            _ if self.version.has_wary_pidfd_ioctl() => Err(Errno::EINVAL),
            _ => Err(Errno::ENOTTY),
        }
    }

    /// Has the one task that bears the descriptor's pid not ended yet? A process's is its first thread.
    fn is_task_alive(&self, process: ProcessId, of: PidfdOf) -> bool {
        match of {
            PidfdOf::Process => {
                let leader = self.pids.get(&self.processes[process].pid);
                leader
                    .is_some_and(|numbered| numbered.process == process && numbered.task.is_some())
            }
            PidfdOf::Thread(_) => true,
            PidfdOf::GoneThread { .. } => false,
        }
    }

    /// The descriptors that stand for a live thread, with the queue they share.
    /// Linux: `struct pid`, `wait_pidfd`.
    fn pidfds_of(&self, thread: Tid) -> impl Iterator<Item = (FileId, QueueId)> + '_ {
        self.files
            .iter()
            .filter_map(move |(id, file)| match file.kind {
                FileKind::Pidfd { of, queue, .. } if of == PidfdOf::Thread(thread) => {
                    Some((id, queue))
                }
                _ => None,
            })
    }

    /// A thread that descriptors stand for is gone. Gives the queue of those
    /// who are to hear of it.
    pub(crate) fn thread_gone(&mut self, thread: Tid, gone: PidfdOf) -> Option<QueueId> {
        let pidfds: Vec<(FileId, QueueId)> = self.pidfds_of(thread).collect();
        for (file, _) in &pidfds {
            if let FileKind::Pidfd { of, .. } = &mut self.files[*file].kind {
                *of = gone;
            }
        }
        pidfds.first().map(|(_, queue)| *queue)
    }

    pub(crate) fn release_pidfd(&mut self, process: ProcessId, queue: QueueId) {
        let is_named_by_fn = |file: &File| matches!(file.kind, FileKind::Pidfd { queue: other, .. } if other == queue);
        let is_process_wide = queue == self.processes[process].pidfd_queue;
        if !is_process_wide && !self.files.iter().any(|(_, file)| is_named_by_fn(file)) {
            self.waits.destroy(queue);
        }
        self.processes[process].pidfds -= 1;
        if self.processes[process].pidfds == 0 && self.processes[process].life == Life::Reaped {
            self.forget_process(process);
        }
    }
}
