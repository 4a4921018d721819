//! The calls that wait: what each tries, where it sleeps, and how it ends in vain.

use super::blocking::Waiting;
use super::poll::PollCall;
use crate::abi::{Out, Return};
use crate::epoll::EpollWait;
use crate::fs::kinds::{RecvCall, SendCall};
use crate::fs::{ReadCall, WriteCall};
use crate::store::{Fd, FileId, Pid, Tid, WaitId};
use crate::task::Interruption;
use crate::{Errno, Kernel};

/// A call that can wait, with all it needs to try again.
#[derive(Debug, Clone, Hash)]
pub(crate) enum Call {
    EpollWait(EpollWait),
    Poll(PollCall),
    Read(ReadCall),
    Write(WriteCall),
    Send(SendCall),
    Recv(RecvCall),
    Wait4 {
        pid: Pid,
    },
    /// `vfork(2)`: ends when the child has exec'ed or exited, and not before.
    Vfork {
        /// The child's descriptor, if `CLONE_PIDFD` asked for one.
        pidfd: Option<Fd>,
        /// The child, once it has.
        ended: Option<Pid>,
    },
}

impl Call {
    pub(super) fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        let (one, many, maybe): (Option<FileId>, &[FileId], &[Option<FileId>]) = match self {
            Call::EpollWait(wait) => (Some(wait.file), &[], &[]),
            Call::Poll(poll) => (None, &[], poll.held()),
            Call::Read(read) => (Some(read.file), &[], &[]),
            Call::Write(write) => (Some(write.file), &[], &[]),
            Call::Send(send) => (Some(send.file), send.rights(), &[]),
            Call::Recv(recv) => (Some(recv.file), &[], &[]),
            Call::Wait4 { .. } | Call::Vfork { .. } => (None, &[], &[]),
        };
        one.into_iter()
            .chain(many.iter().copied())
            .chain(maybe.iter().flatten().copied())
    }

    /// True if a signal with this effect ends the call. Waits for events are
    /// never restarted after a handler, `SA_RESTART` or not, nor is a write
    /// that has begun; `epoll_wait(2)` not even where nothing happened.
    pub(super) fn ends_by(&self, interruption: Interruption) -> bool {
        let has_begun = match self {
            Call::Write(write) => write.has_begun(),
            Call::Send(send) => send.sent() > 0,
            _ => false,
        };
        match (interruption, self) {
            (Interruption::Interrupts | Interruption::Kills(_), _) => true,
            (_, Call::EpollWait(_)) => true,
            (Interruption::Restarts, Call::Poll(_)) => true,
            _ => has_begun,
        }
    }

    /// A poller stays on the queues until its call ends; the others join
    /// them anew for each sleep.
    pub(super) fn keeps_its_places(&self) -> bool {
        matches!(self, Call::Poll(_))
    }
}

impl Kernel {
    /// The file a waiting thread's call holds a reference on, if any.
    pub(crate) fn files_in_calls(&self) -> impl Iterator<Item = FileId> + '_ {
        let waiting = self
            .tasks
            .iter()
            .filter_map(|(_, task)| task.waiting.as_ref());
        waiting.flat_map(|waiting| waiting.call.files())
    }

    #[inline]
    pub(super) fn try_call(&mut self, tid: Tid, call: &mut Call) -> Option<Result<Return, Errno>> {
        match call {
            Call::EpollWait(wait) => self.try_epoll_wait(tid, wait),
            Call::Poll(poll) => self.try_poll(tid, poll),
            Call::Read(read) => self.try_read(tid, read),
            Call::Write(write) => self.try_write(tid, write),
            Call::Send(send) => self.try_send(tid, send),
            Call::Recv(recv) => self.try_recv(tid, recv),
            Call::Wait4 { pid } => self.try_wait4(tid, *pid),
            Call::Vfork { pidfd, ended } => {
                let child = (*ended)?;
                let out = pidfd.map_or_else(Default::default, Out::Pidfd);
                Some(Ok(Return::with(child.0.into(), out)))
            }
        }
    }

    pub(super) fn time_up_result(&mut self, call: &mut Call) -> Result<Return, Errno> {
        match call {
            Call::EpollWait(_) => Ok(EpollWait::nothing()),
            Call::Poll(poll) => Ok(poll.result()),
            // Of a non-blocking file; what was written counts.
            Call::Write(write) => self.stop_write(write, Errno::EAGAIN),
            Call::Send(send) if send.sent() > 0 => Ok(Return::value(send.sent() as i64)),
            Call::Wait4 { .. } => Ok(Return::value(0)),
            Call::Read(_) | Call::Send(_) | Call::Recv(_) | Call::Vfork { .. } => {
                Err(Errno::EAGAIN)
            }
        }
    }

    pub(super) fn interrupted_result(&mut self, call: &mut Call) -> Result<Return, Errno> {
        match call {
            Call::Write(write) => self.stop_write(write, Errno::EINTR),
            Call::Send(send) if send.sent() > 0 => Ok(Return::value(send.sent() as i64)),
            _ => Err(Errno::EINTR),
        }
    }

    pub(super) fn enqueue(&mut self, tid: Tid, call: &Call) -> Vec<WaitId> {
        match call {
            Call::EpollWait(wait) => vec![self.enqueue_epoll_wait(tid, wait)],
            Call::Poll(poll) => self.enqueue_poll(tid, poll),
            Call::Read(read) => vec![self.enqueue_read(tid, read)],
            Call::Write(write) => vec![self.enqueue_write(tid, write)],
            Call::Send(send) => self.enqueue_send(tid, send),
            Call::Recv(recv) => vec![self.enqueue_recv(tid, recv)],
            Call::Wait4 { .. } => {
                let waiters = &mut self.processes[self.tasks[tid].process].waiters;
                if !waiters.contains(&tid) {
                    waiters.insert(0, tid);
                }
                Vec::new()
            }
            Call::Vfork { .. } => Vec::new(),
        }
    }

    /// Drops the references a call holds on the files it works on.
    pub(super) fn release_call(&mut self, waiting: &Waiting) {
        if waiting.is_holding {
            for file in waiting.call.files() {
                self.put(file);
            }
        }
    }
}
