//! `execve(2)`: the other threads end, and the caller becomes the process.

use super::process::{Exec, Numbered, Process};
use crate::fs::PidfdOf;
use crate::store::{ProcessId, Tid};
use crate::wait::Limit;
use crate::{Events, Kernel};

impl Kernel {
    /// `execve(2)`. The other threads end, the table becomes the caller's
    /// own, and what is marked close-on-exec is closed.
    /// Linux: `begin_new_exec`.
    pub fn execve(&mut self, caller: Tid) {
        if !self.end_other_threads(caller) {
            return;
        }
        self.become_leader(caller);
        self.unshare_table(caller);
        self.end_vfork(caller);
        self.unshare_sighand(caller);
        let table = self.tasks[caller].table;
        self.close_on_exec(table);
        self.run_task_work();
        if self.tasks[caller].is_signalled {
            self.signalled.push(caller);
        }
    }

    /// The caller sleeps until its other threads have ended; who is woken
    /// meanwhile goes on. False if the caller was killed instead.
    /// Linux: `de_thread`.
    fn end_other_threads(&mut self, caller: Tid) -> bool {
        let process = self.tasks[caller].process;
        self.processes[process].exec = Some(Exec {
            caller,
            waits_for_leader: false,
        });
        for other in self.threads_after(caller) {
            self.tell_to_die(other);
        }
        while self.has_others(process) {
            self.sleep_in_exec(caller);
            if self.is_dying(caller) {
                let status = self.processes[process].group_exit.unwrap_or(0);
                self.end_group(caller, status);
                return false;
            }
        }
        self.running = Some(caller);
        self.processes[process].exec = None;
        true
    }

    /// Some thread has not ended but the one that execs; if it is the leader, that is waited for now.
    fn has_others(&mut self, process: ProcessId) -> bool {
        let has_others = self.processes[process].threads.len() > 1;
        let has_followers = self.has_followers(process);
        if let Some(exec) = &mut self.processes[process].exec {
            exec.waits_for_leader = has_others && !has_followers;
        }
        has_others
    }

    /// Some thread has not ended but the one that execs and the leader.
    fn has_followers(&self, process: ProcessId) -> bool {
        let Process { pid, exec, .. } = &self.processes[process];
        let caller = exec.as_ref().map(|exec| exec.caller);
        let mut threads = self.processes[process].threads.iter();
        threads.any(|thread| Some(*thread) != caller && self.tasks[*thread].pid != *pid)
    }

    fn sleep_in_exec(&mut self, caller: Tid) {
        while let Some(tid) = self.woken.pop_front() {
            if tid == caller {
                return;
            }
            self.run_woken(tid);
        }
        unreachable!("threads that are told to die do so when they are woken");
    }

    /// A thread has ended; another one that execs may have waited for it.
    pub(crate) fn wake_exec(&mut self, process: ProcessId, is_leader: bool) {
        let Some(exec) = self.processes[process].exec else {
            return;
        };
        let is_awaited = match is_leader {
            true => exec.waits_for_leader,
            false => !self.has_followers(process),
        };
        if is_awaited {
            self.woken.push_back(exec.caller);
        }
    }

    /// The caller is the leader from now on, under the leader's pid.
    fn become_leader(&mut self, caller: Tid) {
        let process = self.tasks[caller].process;
        let leader_pid = self.processes[process].pid;
        let old_pid = std::mem::replace(&mut self.tasks[caller].pid, leader_pid);
        if old_pid != leader_pid && std::mem::take(&mut self.tasks[caller].has_pidfd) {
            // It has not ended: its pid is another's for a moment, and goes with that one.
            let gone = PidfdOf::GoneThread { is_leader: false };
            if let Some(queue) = self.thread_gone(caller, gone) {
                self.wake(queue, Limit::All, Events::empty());
            }
        }
        self.pids.remove(&old_pid);
        let task = Some(caller);
        self.pids.insert(leader_pid, Numbered { process, task });
    }
}
