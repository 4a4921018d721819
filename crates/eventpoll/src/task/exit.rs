//! How threads and processes end.
//!
//! ```text
//!   kill, exit_group, exec ─▶ the threads are told to die, and woken, in order
//!                                    │ each when it comes to run
//!                                    ▼
//!   vfork's parent goes on ─▶ table ─▶ releases ─▶ children, pidfds ─▶ (the last one) the parent
//! ```
//!
//! A thread that is told to die first leaves the call it is in, and may find
//! there what it waited for.

use super::process::{Life, Numbered, Process};
use super::signal::{SIGCHLD, Scope};
use crate::fs::PidfdOf;
use crate::store::{ProcessId, Tid};
use crate::wait::Limit;
use crate::{Events, Kernel};

impl Kernel {
    /// `exit(2)`. Ends one thread; the last one ends the process.
    pub fn exit(&mut self, caller: Tid, status: i32) {
        self.exit_task(caller, (status & 0xff) << 8);
    }

    /// `exit_group(2)`. Ends every thread of the process, the caller first.
    pub fn exit_group(&mut self, caller: Tid, status: i32) {
        self.end_group(caller, (status & 0xff) << 8);
    }

    /// A thread ends, and has the others end. Linux: `do_group_exit`.
    pub(crate) fn end_group(&mut self, tid: Tid, wait_status: i32) {
        let process = self.tasks[tid].process;
        if !self.is_dying(tid) {
            self.processes[process].group_exit = Some(wait_status);
            for other in self.threads_after(tid) {
                self.tell_to_die(other);
            }
        }
        self.exit_task(tid, 0);
    }

    /// A signal ends every thread of a process, the oldest first; each when
    /// it comes to run. Linux: `complete_signal`.
    pub(crate) fn kill_group(&mut self, process: ProcessId, wait_status: i32) {
        let known = &mut self.processes[process].group_exit;
        if known.is_none() {
            *known = Some(wait_status);
            for thread in self.processes[process].threads.clone() {
                self.tell_to_die(thread);
            }
        }
    }

    /// The thread will end, whatever it is doing. Linux: `fatal_signal_pending`.
    pub(crate) fn is_dying(&self, tid: Tid) -> bool {
        let process = &self.processes[self.tasks[tid].process];
        process.group_exit.is_some() || process.exec.is_some_and(|exec| exec.caller != tid)
    }

    /// Linux: `signal_wake_up` with `SIGKILL`.
    pub(crate) fn tell_to_die(&mut self, tid: Tid) {
        self.tasks[tid].is_signalled = true;
        if self.tasks[tid].waiting.is_some() {
            self.wake_for_signal(tid);
        } else if self.running == Some(tid) {
            self.signalled.push(tid);
        } else {
            self.woken.push_back(tid);
        }
    }

    /// The other threads of a thread's process: those after it, then those
    /// before it. Linux: `for_other_threads`.
    pub(crate) fn threads_after(&self, tid: Tid) -> Vec<Tid> {
        let threads = &self.processes[self.tasks[tid].process].threads;
        let place = threads.iter().position(|thread| *thread == tid);
        let (before, after) = threads.split_at(place.expect("a thread is among its process's"));
        [&after[1..], before].concat()
    }

    /// One thread ends; the last one ends its process, with the status of the
    /// group if all were told to end. Linux: `do_exit`.
    fn exit_task(&mut self, tid: Tid, wait_status: i32) {
        self.end_vfork(tid);
        let task = self.tasks.remove(tid);
        self.put_table(task.table);
        self.run_task_work();
        let process = &mut self.processes[task.process];
        process.remove_thread(tid);
        let is_leader = task.pid == process.pid;
        if is_leader {
            process.leader_mask = task.mask;
        }
        self.leave_children(task.process, tid);
        if is_leader {
            // Its pid stays taken until its process is reaped.
            let numbered = Numbered {
                process: task.process,
                task: None,
            };
            self.pids.insert(task.pid, numbered);
        } else {
            self.pids.remove(&task.pid);
        }
        let pidfds = match task.has_pidfd {
            true => self.thread_gone(tid, PidfdOf::GoneThread { is_leader }),
            false => None,
        };
        if let Some(queue) = pidfds {
            // Linux: do_notify_pidfd.
            self.wake(queue, Limit::All, Events::READABLE);
        }
        self.wake_exec(task.process, is_leader);
        if let Some(queue) = pidfds.filter(|_| !is_leader) {
            // Nobody waits for it: its pid goes at once. Linux: __change_pid.
            self.wake(queue, Limit::All, Events::empty());
        }
        let process = &self.processes[task.process];
        if process.threads.is_empty() {
            let wait_status = process.group_exit.unwrap_or(wait_status);
            self.exit_notify(task.process, wait_status);
        }
    }

    /// A thread's children become another one's. Linux: `find_alive_thread`.
    fn leave_children(&mut self, process: ProcessId, tid: Tid) {
        let heir = self.leader(process);
        let children: Vec<ProcessId> = self.children(process).collect();
        for child in children {
            if self.processes[child].maker == Some(tid) {
                self.processes[child].maker = heir;
                // Behind the heir's own.
                let mut children = self.processes[process].children;
                children.remove(child, &mut self.processes, Process::sibling);
                children.push_back(child, &mut self.processes, Process::sibling);
                self.processes[process].children = children;
            }
        }
    }

    /// The last thread has ended: pidfds and the parent hear of it.
    /// Linux: `exit_notify`.
    fn exit_notify(&mut self, process: ProcessId, wait_status: i32) {
        *self.is_collection_due = true;
        self.processes[process].life = Life::Zombie(wait_status);
        // Who gets its dead children is told of their death anew. Linux: reparent_leader.
        let children: Vec<ProcessId> = self.children(process).collect();
        for child in children {
            if matches!(self.processes[child].life, Life::Zombie(_)) {
                let queue = self.processes[child].pidfd_queue;
                self.wake(queue, Limit::All, Events::READABLE);
            }
        }
        let queue = self.processes[process].pidfd_queue;
        self.wake(queue, Limit::All, Events::READABLE);
        // Init comes to its elder children first.
        if self.processes[process].parent.is_none() {
            self.orphans.push(process);
        }
        while let Some(child) = self.processes[process].children.first() {
            self.leave_parent(child);
            if matches!(self.processes[child].life, Life::Zombie(_)) {
                self.orphans.push(child);
            }
        }
        match self.processes[process].parent {
            Some(parent) if !self.ignores_children(parent) => {
                self.tell_parent(process, parent);
                self.wake_wait4(parent);
            }
            Some(parent) => {
                self.reap(process);
                self.wake_wait4(parent);
            }
            None => {}
        }
    }

    /// `SIGCHLD` goes to the thread that made the child, while it lives. It comes
    /// from the child, however that ended: who killed it is not in that call any more.
    /// Linux: `do_notify_parent`.
    fn tell_parent(&mut self, process: ProcessId, parent: ProcessId) {
        let running = self.running.take();
        let maker = self.processes[process].maker;
        let threads = &self.processes[parent].threads;
        let maker = maker.filter(|maker| threads.contains(maker));
        if let Some(target) = maker.or_else(|| self.leader(parent)) {
            self.send_signal(target, SIGCHLD, Scope::Process);
        }
        self.running = running;
    }

    /// Forgets a dead process. Linux: `release_task`.
    pub(crate) fn reap(&mut self, process: ProcessId) {
        self.leave_parent(process);
        let Process {
            pid,
            sighand,
            pidfds,
            pidfd_queue,
            ..
        } = self.processes[process];
        self.processes[process].life = Life::Reaped;
        self.pids.remove(&pid);
        self.put_sighand(sighand);
        if pidfds == 0 {
            self.forget_process(process);
        } else {
            self.wake(pidfd_queue, Limit::All, Events::empty());
        }
    }

    pub(crate) fn forget_process(&mut self, process: ProcessId) {
        let gone = self.processes.remove(process);
        self.waits.destroy(gone.pidfd_queue);
    }

    /// A process leaves its parent, because one of them is gone.
    fn leave_parent(&mut self, process: ProcessId) {
        if let Some(parent) = self.processes[process].parent.take() {
            let mut children = self.processes[parent].children;
            children.remove(process, &mut self.processes, Process::sibling);
            self.processes[parent].children = children;
        }
    }

    /// The thread lets go of its parent's memory. Linux: `mm_release`.
    pub(crate) fn end_vfork(&mut self, tid: Tid) {
        if let Some(parent) = self.tasks[tid].vfork_parent.take() {
            let pid = self.tasks[tid].pid;
            self.complete_vfork(parent, pid);
        }
    }
}
