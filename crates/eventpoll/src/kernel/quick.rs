//! The calls of an event loop's turn, on the way that most of them take.
//!
//! A turn waits, reads and writes, and each of these calls is mostly over at
//! once. Here its result is made where the caller wants it, and only when
//! nothing is left to do. Whatever is out of the ordinary goes the way of all
//! calls, where their rules stand: [`Kernel::dispatch`].

use crate::abi::{Buffer, Out, Outcome, Return};
use crate::epoll::EpollWait;
use crate::fs::FileKind;
use crate::kernel::done;
use crate::store::{Fd, FileId, TableId, Tid};
use crate::{Kernel, Syscall};

impl Kernel {
    /// `write(2)` to an eventfd that has room.
    #[inline(never)]
    pub(crate) fn quick_write(&mut self, caller: Tid, table: TableId, call: &Syscall) -> Outcome {
        if let Syscall::Write { fd, len: 8, first } = *call
            && let Some(file) = self.find_eventfd(table, fd)
            && self.try_write_eventfd(file, first)
        {
            return self.end_quickly(caller, call, |_| Outcome::Done(Ok(Return::value(8))));
        }
        self.call_any(caller, call)
    }

    /// `read(2)` of an eventfd that has something to give.
    #[inline(never)]
    pub(crate) fn quick_read(&mut self, caller: Tid, table: TableId, call: &Syscall) -> Outcome {
        if let Syscall::Read { fd, len: 8.. } = *call
            && let Some(file) = self.find_eventfd(table, fd)
            && let Some(count) = self.try_read_eventfd(file)
        {
            return self.end_quickly(caller, call, |_| {
                Outcome::Done(Ok(Return::with(8, Out::Counter(count))))
            });
        }
        self.call_any(caller, call)
    }

    /// `epoll_wait(2)` that finds something, or does not wait.
    #[inline(never)]
    pub(crate) fn quick_wait(&mut self, caller: Tid, table: TableId, call: &Syscall) -> Outcome {
        if let Syscall::EpollWait {
            epfd,
            buffer: Buffer::Mapped,
            maxevents,
            timeout_ms,
        } = *call
            && let Ok(wait) = self.check_wait(table, epfd, Buffer::Mapped, maxevents)
        {
            if self.has_ready(&wait) {
                return self.quick_report(caller, call, &wait);
            }
            if timeout_ms == 0 {
                return self.end_quickly(caller, call, |_| Outcome::Done(Ok(EpollWait::nothing())));
            }
        }
        self.call_any(caller, call)
    }

    /// `epoll_wait(2)` that may find something.
    #[inline(never)]
    fn quick_report(&mut self, caller: Tid, call: &Syscall, wait: &EpollWait) -> Outcome {
        self.ep_send_events(caller, &wait.with_room());
        // In vain: what was not ready has left the list. The whole call finds the same, and goes on to sleep.
        if self.reported.is_empty() {
            return self.call_any(caller, call);
        }
        self.end_quickly(caller, call, |kernel| {
            Outcome::Done(Ok(kernel.take_reported()))
        })
    }

    /// `epoll_ctl(2)`.
    #[inline(never)]
    pub(crate) fn quick_ctl(&mut self, caller: Tid, table: TableId, call: &Syscall) -> Outcome {
        if let Syscall::EpollCtl {
            epfd,
            op,
            fd,
            event,
        } = *call
        {
            let result = self.epoll_ctl_in(caller, table, epfd, op, fd, event);
            return self.end_quickly(caller, call, |_| done(result));
        }
        self.call_any(caller, call)
    }

    #[inline(always)]
    fn find_eventfd(&self, table: TableId, fd: Fd) -> Option<FileId> {
        let (id, file) = self.find_file_in(table, fd)?;
        matches!(file.kind, FileKind::Eventfd(_)).then_some(id)
    }

    /// The caller is there still, and does not wait.
    #[inline(always)]
    fn end_quickly(
        &mut self,
        caller: Tid,
        call: &Syscall,
        outcome_fn: impl FnOnce(&mut Kernel) -> Outcome,
    ) -> Outcome {
        self.forget_dictated();
        if self.has_work_left() {
            let outcome = outcome_fn(self);
            return self.finish_call(caller, call, outcome);
        }
        outcome_fn(self)
    }
}
