//! After a call: what it did to all other tasks.

use super::{Completion, Executor};
use crate::backoff::Backoff;
use crate::error::{ExecutorError, failed};
use crate::task_state::TaskState;
use crate::tasks::Task;
use eventpoll::{Outcome, Pid};

/// The ticket of an end without a result: after all others.
const LAST: u32 = u32::MAX;
impl Executor {
    /// Looks at every task until nothing moves: at those in a call, and at
    /// all of them if some may have been killed or signalled.
    pub(super) fn settle(&mut self, mut all: bool) -> Result<(), ExecutorError> {
        let mut backoff = Backoff::new(self.time_limit);
        loop {
            let (mut moving, mut has_changed) = (None, false);
            // From the back, so that one that is removed moves none ahead.
            for task in (0..self.tasks.len()).rev() {
                if !all && self.tasks[task].pending.is_none() {
                    continue;
                }
                match self.look_after(task)? {
                    Settled::Quiet => {}
                    Settled::Moving => moving = Some(self.tasks[task].pid),
                    Settled::Returned => has_changed = true,
                    Settled::Gone => {
                        self.bury(task);
                        (all, has_changed) = (true, true);
                    }
                }
            }
            match moving {
                Some(pid) if !backoff.pause(self.keeper.region()) => {
                    return Err(self.too_slow(pid, "none"));
                }
                None if !has_changed => break,
                _ => {}
            }
        }
        if all {
            self.keeper.reap(|real| self.names.reaped(real))?;
        }
        Ok(())
    }

    /// Looks at one task, and takes its call's end if it has come.
    fn look_after(&mut self, task: usize) -> Result<Settled, ExecutorError> {
        let slot = self.tasks[task].slot;
        if self.keeper.is_done(slot)
            && let Some(pending) = self.tasks[task].pending.take()
        {
            let value = self.keeper.result(slot);
            let outcome = self.decode(task, &pending, value)?;
            self.completions.push(Completion {
                ticket: self.keeper.ticket(slot),
                pid: self.tasks[task].pid,
                outcome,
            });
            return Ok(Settled::Returned);
        }
        let sight = self.look(task)?;
        Ok(match (sight, &self.tasks[task].pending) {
            (TaskState::Gone, _) => Settled::Gone,
            (TaskState::Stopped, _) => Settled::Quiet,
            (_, Some(pending)) if pending.is_blocked_at(sight) => Settled::Quiet,
            (TaskState::Asleep { nr }, None) if nr == libc::SYS_futex => Settled::Quiet,
            _ => Settled::Moving,
        })
    }

    pub(super) fn look(&mut self, task: usize) -> Result<TaskState, ExecutorError> {
        let proc = self.keeper.proc();
        let sight = self.tasks[task].look(proc);
        sight.map_err(failed("look at a task"))
    }

    /// Removes a task that has ended; a call it was in ends with it.
    pub(super) fn bury(&mut self, task: usize) {
        let task = self.tasks.remove(task);
        if task.pending.is_some() {
            self.completions.push(Completion {
                ticket: LAST,
                pid: task.pid,
                outcome: Outcome::Gone,
            });
        }
        if task.pid != task.process {
            self.names.reaped(task.real);
        }
        self.keeper.free(task.slot);
    }

    pub(super) fn too_slow(&self, pid: Pid, call: &str) -> ExecutorError {
        let task = self.tasks.iter().find(|task| task.pid == pid);
        let doing = task.map_or("gone".to_owned(), Task::tell);
        let call = call.to_owned();
        ExecutorError::TooSlow { pid, call, doing }
    }
}

/// What one look of a round found.
#[derive(Debug)]
enum Settled {
    /// It sleeps, as it should.
    Quiet,
    /// It will be somewhere else soon.
    Moving,
    /// Its call had ended.
    Returned,
    /// It has ended.
    Gone,
}
