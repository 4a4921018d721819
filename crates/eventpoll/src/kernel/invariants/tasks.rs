//! What holds of processes, their pids, and calls that sleep.

use super::{Check, equal, hold, walk};
use crate::Kernel;
use crate::fs::{FileKind, PidfdOf};
use crate::task::{Life, Process};
use crate::wait::Alarm;
use crate::wait::Call;
use crate::wait::Waiter;
use std::collections::{BTreeMap, BTreeSet};

impl Kernel {
    pub(super) fn check_processes(&self) -> Check {
        let mut sighand_users = BTreeMap::<_, u32>::new();
        for (id, process) in self.processes.iter() {
            let says = |what: &str| format!("{id:?} ({:?}) {what}", process.pid);
            let is_running = process.life == Life::Running;
            equal(
                &says("has threads"),
                !process.threads.is_empty(),
                is_running,
            )?;
            for thread in &process.threads {
                let task = self
                    .tasks
                    .get(*thread)
                    .ok_or_else(|| says("has lost a thread"))?;
                equal(&says("owns its threads"), task.process, id)?;
                equal(&says("shares its handlers"), task.sighand, process.sighand)?;
            }
            if process.life != Life::Reaped {
                *sighand_users.entry(process.sighand).or_default() += 1;
            } else {
                hold(process.pidfds > 0, || says("is reaped, and nobody's"))?;
                hold(process.parent.is_none(), || says("is reaped, and a child"))?;
            }
            let children = walk(process.children, &self.processes, Process::sibling)?;
            for child in children {
                equal(
                    &says("is its children's parent"),
                    self.processes[child].parent,
                    Some(id),
                )?;
            }
            if let Some(parent) = process.parent {
                let siblings = self.children(parent).filter(|child| *child == id);
                equal(&says("is its parent's child"), siblings.count(), 1)?;
            }
        }
        for (tid, task) in self.tasks.iter() {
            let threads = &self.processes[task.process].threads;
            equal(
                &format!("places of {tid:?}"),
                threads.iter().filter(|t| **t == tid).count(),
                1,
            )?;
            let waiting = task.waiting.as_ref();
            let waits_for_child = waiting.is_some_and(|w| matches!(w.call, Call::Wait4 { .. }));
            let waiters = &self.processes[task.process].waiters;
            hold(waits_for_child == waiters.contains(&tid), || {
                format!("{tid:?} is in wait4(2), or among the waiters, and not in both")
            })?;
            if let Some(parent) = task.vfork_parent {
                let waiting = self
                    .tasks
                    .get(parent)
                    .and_then(|task| task.waiting.as_ref());
                let waits = waiting.is_some_and(|w| matches!(w.call, Call::Vfork { .. }));
                hold(waits, || format!("{tid:?} is nobody's vfork child"))?;
            }
        }
        for (id, sighand) in self.sighands.iter() {
            let users = sighand_users.remove(&id).unwrap_or(0);
            equal(&format!("users of {id:?}"), sighand.users, users)?;
            hold(users > 0, || format!("{id:?} is used by nobody"))?;
        }
        hold(sighand_users.is_empty(), || {
            "a process has lost its handlers".into()
        })
    }

    pub(super) fn check_numbers(&self) -> Check {
        for (tid, task) in self.tasks.iter() {
            let numbered = self.pids.get(&task.pid).and_then(|numbered| numbered.task);
            equal(&format!("who answers to {}", task.pid), numbered, Some(tid))?;
        }
        for (pid, numbered) in self.pids.iter() {
            let process = self.processes.get(numbered.process);
            let process = process.ok_or_else(|| format!("{pid} names a process that is gone"))?;
            hold(process.life != Life::Reaped, || {
                format!("{pid} names a reaped process")
            })?;
            match numbered.task {
                Some(task) => {
                    let task = self.tasks.get(task);
                    let is_right =
                        task.is_some_and(|t| t.pid == *pid && t.process == numbered.process);
                    hold(is_right, || format!("{pid} names another task"))?;
                }
                None => equal("the number of a leader that ended", process.pid, *pid)?,
            }
        }
        for (_, process) in self
            .processes
            .iter()
            .filter(|(_, p)| p.life != Life::Reaped)
        {
            let is_numbered = self.pids.contains_key(&process.pid);
            hold(is_numbered, || format!("{} is not numbered", process.pid))?;
        }
        Ok(())
    }

    pub(super) fn check_pidfds(&self) -> Check {
        let mut pidfds = BTreeMap::<_, u32>::new();
        for (id, file) in self.files.iter() {
            if let FileKind::Pidfd { process, of, .. } = file.kind {
                *pidfds.entry(process).or_default() += 1;
                if let PidfdOf::Thread(tid) = of {
                    let task = self.tasks.get(tid);
                    let is_right = task.is_some_and(|t| t.has_pidfd && t.process == process);
                    hold(is_right, || {
                        format!("{id:?} stands for a thread that is gone")
                    })?;
                }
            }
        }
        for (id, process) in self.processes.iter() {
            let count = pidfds.remove(&id).unwrap_or(0);
            equal(&format!("pidfds of {id:?}"), process.pidfds, count)?;
        }
        hold(pidfds.is_empty(), || {
            format!("pidfds of what is gone: {pidfds:?}")
        })
    }

    pub(super) fn check_sleepers(&self) -> Check {
        for (tid, task) in self.tasks.iter() {
            let Some(waiting) = &task.waiting else {
                continue;
            };
            hold(waiting.is_holding, || {
                format!("{tid:?} sleeps and holds nothing")
            })?;
            for place in &waiting.entries {
                let waiter = self.waits.waiter(*place);
                let is_own = match waiter {
                    Some(
                        Waiter::Task(other) | Waiter::Receiver(other) | Waiter::Poller(other, _),
                    ) => other == tid,
                    _ => false,
                };
                hold(is_own, || {
                    format!("{tid:?} sleeps at another's place: {waiter:?}")
                })?;
            }
            if matches!(
                waiting.call,
                Call::EpollWait(_) | Call::Read(_) | Call::Write(_)
            ) {
                equal(&format!("places of {tid:?}"), waiting.entries.len(), 1)?;
            }
        }
        Ok(())
    }

    pub(super) fn check_alarms(&self) -> Check {
        for (date_ns, alarm) in self.clock.alarms() {
            let is_right = match alarm {
                Alarm::Timer(file) => match self.files.get(file).map(|file| &file.kind) {
                    Some(FileKind::Timerfd(timer)) => timer.next_alarm_ns() == Some(date_ns),
                    _ => false,
                },
                Alarm::Timeout(tid) => {
                    let waiting = self.tasks.get(tid).and_then(|task| task.waiting.as_ref());
                    waiting.is_some_and(|w| w.deadline_ns == Some(date_ns))
                }
            };
            hold(is_right, || {
                format!("an alarm for nobody at {date_ns}: {alarm:?}")
            })?;
        }
        let due: BTreeSet<_> = self.clock.alarms().collect();
        for (id, file) in self.files.iter() {
            if let FileKind::Timerfd(timer) = &file.kind
                && let Some(date_ns) = timer.next_alarm_ns()
            {
                let is_set = due.contains(&(date_ns, Alarm::Timer(id)));
                hold(is_set, || format!("{id:?} will not expire"))?;
            }
        }
        for (tid, task) in self.tasks.iter() {
            if let Some(date_ns) = task.waiting.as_ref().and_then(|w| w.deadline_ns) {
                let is_set = due.contains(&(date_ns, Alarm::Timeout(tid)));
                hold(is_set, || format!("{tid:?} will sleep for ever"))?;
            }
        }
        Ok(())
    }
}
