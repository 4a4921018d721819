//! A call from its first step to its answer; calls that are not divided are one step.

use super::frame::Frame;
use super::locks::Lock;
use super::{Finding, Stepped, Taken, tell};
use crate::abi::{Outcome, Return, UserTimespec};
use crate::store::EpitemId;
use crate::{Errno, Events, Syscall};

impl Stepped {
    /// The first step of the next call; false if it would wait.
    pub(super) fn begin_call(&mut self, me: usize) -> Result<bool, Finding> {
        if self.runners[me].tid.is_none() {
            self.runners[me].tid = self.kernel.tid(self.plan.pids[me]);
        }
        // A copy: a count that all cores write to would cost more.
        let call = self.plan.programs[me][usize::from(self.runners[me].next)].clone();
        self.runners[me].stack.push(Frame::Call);
        match call {
            Syscall::Close { fd } => self.begin_close(me, fd)?,
            Syscall::EpollCtl {
                epfd,
                op,
                fd,
                event,
            } if self.is_instance(me, epfd) => self.begin_ctl(me, epfd, op, fd, event)?,
            Syscall::EpollWait {
                epfd,
                maxevents,
                timeout_ms,
                ..
            }
            | Syscall::EpollPwait {
                epfd,
                maxevents,
                timeout_ms,
                ..
            } if self.is_instance(me, epfd) && maxevents > 0 => {
                let timeout = (timeout_ms >= 0).then_some(timeout_ms.into());
                self.begin_wait(me, epfd, maxevents, timeout)?;
            }
            Syscall::EpollPwait2 {
                epfd,
                maxevents,
                timeout,
                ..
            } if self.is_instance(me, epfd) && maxevents > 0 => {
                let timeout = match timeout {
                    UserTimespec::Time { sec: 0, nsec: 0 } => Some(0),
                    UserTimespec::Time { .. } => Some(1),
                    _ => None,
                };
                self.begin_wait(me, epfd, maxevents, timeout)?;
            }
            Syscall::Exit { status } => self.begin_exit(me, status, false)?,
            Syscall::ExitGroup { status } => self.begin_exit(me, status, true)?,
            call => return self.begin_undivided(me, &call),
        }
        Ok(true)
    }

    /// A call that is one step, up to its wake-ups and releases; false if it would wait.
    fn begin_undivided(&mut self, me: usize, call: &Syscall) -> Result<bool, Finding> {
        let is_poll = matches!(call, Syscall::Poll { .. } | Syscall::Ppoll { .. });
        let is_scanning = self
            .ledger
            .locks
            .iter()
            .any(|(l, _)| matches!(l, Lock::Mutex(_)));
        let before = self.may_wait(me, call).then(|| self.kernel.clone());
        let outcome = if is_poll && is_scanning {
            // It would look at instances while others are at it.
            Outcome::Blocked
        } else {
            self.dictate_child(me, call);
            self.kernel.call(self.tid(me), call)
        };
        if let (Outcome::Blocked, Some(before)) = (&outcome, before) {
            self.kernel = before;
            self.runners[me].stack.pop();
            return Ok(false);
        }
        tell!(self, me, "", "done");
        self.end_with(me, outcome);
        if self.has_lost_a_task(me) {
            return Err(Finding::Unsuitable { task: me });
        }
        self.take_deferred(me)?;
        Ok(true)
    }

    fn may_wait(&self, me: usize, call: &Syscall) -> bool {
        match call {
            Syscall::Write { fd, .. } => {
                let file = self.kernel.file_at(self.tid(me), *fd);
                !file.is_ok_and(|file| {
                    matches!(
                        self.kernel.files[file].kind,
                        crate::fs::FileKind::Eventfd(_)
                    )
                })
            }
            Syscall::Read { .. }
            | Syscall::Sendmsg { .. }
            | Syscall::Recvmsg { .. }
            | Syscall::Poll { .. }
            | Syscall::Ppoll { .. }
            | Syscall::Wait4 { .. }
            | Syscall::Vfork => true,
            _ => false,
        }
    }

    fn dictate_child(&mut self, me: usize, call: &Syscall) {
        if matches!(call, Syscall::Fork | Syscall::Clone { .. }) {
            let next = usize::from(self.runners[me].next);
            if let Some(pid) = self.plan.children.get(&(me, next)) {
                self.kernel.dictate_pid(*pid);
            }
        }
    }

    /// A signal has ended somebody in the middle of a call.
    fn has_lost_a_task(&self, me: usize) -> bool {
        self.runners.iter().enumerate().any(|(task, runner)| {
            let is_there = runner
                .tid
                .is_none_or(|tid| self.kernel.tasks.get(tid).is_some());
            task != me && !runner.is_gone && !is_there
        })
    }

    /// The way back to the program: what was dropped is released, and the call is over.
    pub(super) fn end_call(&mut self, me: usize) -> Taken {
        if !self.runners[me].work.is_empty() {
            self.push(me, Frame::Call)?;
            return self.push_work(me);
        }
        let runner = &mut self.runners[me];
        runner.next += 1;
        runner.ret = 0;
        if let Some(story) = &mut self.story {
            story.call_ended(me);
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, me: usize, result: Result<u32, Errno>) {
        if self.story.is_some() {
            let result = result.map(|value| Return::value(value.into()));
            self.end_with(me, Outcome::Done(result));
        }
    }

    pub(super) fn end_with(&mut self, me: usize, outcome: Outcome) {
        if let Some(story) = &mut self.story {
            story.answer(me, outcome);
        }
    }

    pub(super) fn note_event(&mut self, me: usize, epitem: EpitemId, events: Events) {
        if let Some(story) = &mut self.story {
            let data = self.kernel.epitems[epitem].data;
            story.event(me, crate::EpollEvent { events, data });
        }
    }
}
