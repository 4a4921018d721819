//! Tasks come and go: forks whose child speaks first, execs, exits, pids that are used again.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::{MAX_TASKS, Weight};
use eventpoll::syscall::flags;
use eventpoll::{Pid, Syscall, Tid};
use polter_trace::Signal;

/// The flags of a clone that the model knows.
const CLONE_FLAGS: u64 =
    flags::CLONE_VM | flags::CLONE_FILES | flags::CLONE_SIGHAND | flags::CLONE_THREAD;

impl Judge {
    /// The task with this pid. If the log has shown nobody make it, it is the child of whoever is in a clone; if nobody
    /// is, it was there before the log began.
    pub(crate) fn present(&mut self, pid: u32) -> Option<Tid> {
        if let Some(tid) = self.tasks.tid(pid) {
            return Some(tid);
        }
        if self.tasks.has_left(pid) {
            return None;
        }
        if let Some((parent, flags)) = self.tasks.likely_parent() {
            self.born(parent, pid, flags);
            if let Some(task) = self.tasks.get_mut(pid) {
                task.guessed_parent = Some(parent);
            }
            return self.tasks.tid(pid);
        }
        if self.is_crowded() {
            return None;
        }
        if self.tasks.seen > 0 {
            self.coverage.orphans.note(self.line);
        }
        let tid = self.worlds.spawn(Pid(pid as i32));
        self.tasks.insert(pid, tid);
        Some(tid)
    }

    /// True, with a warning, if there is no room for another task.
    fn is_crowded(&mut self) -> bool {
        let is_full = self.tasks.is_full();
        if is_full {
            self.findings.warn(self.line, 1, || {
                format!("more than {MAX_TASKS} tasks at once; new ones are left out")
            });
        }
        is_full
    }

    /// A clone has returned in its parent.
    pub(crate) fn forked(&mut self, parent: u32, child: i64, flags: u64) {
        self.tasks.end_birth(parent);
        let Some(child) = u32::try_from(child)
            .ok()
            .filter(|child| *child > 0 && i32::try_from(*child).is_ok())
        else {
            return;
        };
        match self
            .tasks
            .get_mut(child)
            .map(|task| task.guessed_parent.take())
        {
            // Its first line came before its parent's clone returned.
            Some(Some(guessed)) if guessed == parent => return,
            Some(Some(guessed)) => {
                let line = self.line;
                self.findings.warn(line, 1, || {
                    format!("{child} was taken for a child of {guessed}, and is one of {parent}")
                });
                return;
            }
            // The pid was used before, and the log lacks that task's end.
            Some(None) => self.gone(child),
            None => {}
        }
        self.born(parent, child, flags);
    }

    /// Makes a child in every world.
    fn born(&mut self, parent: u32, child: u32, flags: u64) {
        let Some(parent_tid) = self.tasks.tid(parent) else {
            return;
        };
        if self.is_crowded() {
            return;
        }
        let flags = flags & CLONE_FLAGS;
        let pid = Pid(child as i32);
        self.worlds.each(|kernel| {
            kernel.dictate_pid(pid);
            kernel.call(parent_tid, &Syscall::Clone { flags });
            if kernel.tid(pid).is_none() {
                // No kernel allows these flags: the text was cut. The child exists all the same.
                kernel.dictate_pid(pid);
                kernel.call(parent_tid, &Syscall::Fork);
            }
        });
        self.tasks.forget_left(child);
        if let Some(tid) = self.worlds.base().tid(pid) {
            self.tasks.insert(child, tid);
            let process = self.process_and_table(tid).0;
            let parent = self.process_and_table(parent_tid).0;
            self.order.forked(parent, process);
        }
    }

    /// A task has called `exit`, and is taken for gone.
    ///
    /// Not only at `+++ exited +++`: `strace -qq` does not print it, and lines of others may show what the end did
    /// before it is printed.
    pub(super) fn leaves(&mut self, pid: u32, tid: Tid, is_group: bool) {
        let mut leaving = if is_group {
            self.other_threads(tid)
        } else {
            Vec::new()
        };
        leaving.push(pid);
        for pid in leaving {
            self.gone(pid);
            self.tasks.leave(pid);
        }
    }

    /// A signal arrives at a task: what its sender knew happens before what the task does next.
    pub(crate) fn signalled(&mut self, pid: u32, signal: &Signal<'_>) {
        if let Some(tid) = self.tasks.tid(pid) {
            let process = self.process_and_table(tid).0;
            self.order.signal(process, signal);
        }
    }

    /// A task is killed by a signal.
    pub(crate) fn killed(&mut self, pid: u32) {
        if let Some(tid) = self.tasks.tid(pid) {
            let process = self.process_and_table(tid).0;
            self.order.killed(process);
        }
        self.gone(pid);
    }

    /// A task has ended. If it was the last user of its table, the table ends too.
    pub(crate) fn gone(&mut self, pid: u32) {
        let Some(mut task) = self.tasks.remove(pid) else {
            return;
        };
        self.coverage.task_gone(pid);
        let tid = task.tid;
        if let Some(close) = task.sweep.end() {
            self.findings.decide(close.suspicion, close.finding);
        }
        // Taken before the exit: afterwards the table says nothing any more.
        let watched = self.watched_by_table(tid, |_| true);
        let (process, table) = self.process_and_table(tid);
        self.worlds.exit(tid);
        let is_last = !self.worlds.base().is_table_alive(table);
        if is_last {
            // Removals first: settling takes out those that ended with this exit.
            self.note_policy_removals(&watched, process, true);
            self.settle_policy_removals(process, None);
            self.orphans_of_exit(&watched, process);
            self.end_leaks_of(table);
            self.sharing.hurt.remove(&process);
        }
        // Last: the exit's own removals are what a parent that waits for it knows of.
        self.order.gone(process, is_last);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    /// A thread other than the leader has exec'ed: it goes on under the leader's pid.
    pub(crate) fn superseded(&mut self, leader: u32, by: u32) {
        let Some(tid) = self.tasks.tid(by) else {
            return;
        };
        if leader == by {
            return;
        }
        self.gone(leader);
        for other in self.other_threads(tid) {
            self.gone(other);
        }
        if let Some(task) = self.tasks.remove(by) {
            self.tasks.insert(leader, task.tid).closing = task.closing;
        }
        self.worlds.each(|kernel| {
            kernel.call(tid, &Syscall::Execve);
        });
        self.policy_removals.require_full_scan();
        self.sweep_ghosts();
    }

    /// The pids of the other threads of a task's process, as the log has them.
    ///
    /// Not the model's pids: after an exec that the log shows only in part, the two can differ.
    fn other_threads(&self, tid: Tid) -> Vec<u32> {
        let threads = self.worlds.base().threads(tid).iter().copied();
        let others: Vec<Tid> = threads.filter(|thread| *thread != tid).collect();
        self.tasks.pids_of(&others)
    }

    /// A process has exec'ed: its close-on-exec fds are gone, the others stay.
    pub(crate) fn executed(&mut self, pid: u32, tid: Tid, place: &Place<'_>) {
        self.tasks.end_birth(pid);
        let (process, _) = self.process_and_table(tid);
        // An exec ends the other threads, whether or not the log says so.
        for other in self.other_threads(tid) {
            self.gone(other);
        }
        let watched = self.watched_by_table(tid, |descriptor| descriptor.is_cloexec);
        let _ = self
            .worlds
            .call(tid, &Syscall::Execve, &[], Weight::Notice, || place.site());
        self.orphans(&watched, process, place, "closed by the exec of its owner");
        self.settle_policy_removals(process, None);
        self.order.executed(process);
        self.note_leaks(tid, process, place);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    /// A fork has returned: remembers it as the step that copied the child's table.
    pub(super) fn note_copy(&mut self, child: u32, place: &Place<'_>) {
        let Some(tid) = self.tasks.tid(child) else {
            return;
        };
        let table = self.process_and_table(tid).1;
        if self
            .tasks
            .tid(place.pid)
            .is_some_and(|parent| self.process_and_table(parent).1 != table)
        {
            self.sharing
                .copies
                .insert(table, place.step("the child gets a copy"));
        }
    }
}
