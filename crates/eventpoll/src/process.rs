//! Processes and threads: fork, exec, exit, wait.
//!
//! ```text
//!   Task ──▶ Process ──▶ (threads that die together, pending signals, limit)
//!    ├─────▶ FdTable     (shared by CLONE_FILES, else copied)
//!    └─────▶ Sighand     (shared by CLONE_SIGHAND, else copied)
//! ```

use crate::blocking::{Call, Patience, Waiting};
use crate::fd_table::FdTable;
use crate::file::PidfdOf;
use crate::ids::{Fd, Pid, ProcessId, QueueId, SighandId, TableId, Tid};
use crate::list::{Head, Links};
use crate::signal::{Scope, Sighand};
use crate::syscall::{Outcome, Return, SigSet, flags};
use crate::wait_queue::Limit;
use crate::{Errno, Events, Kernel};

/// One thread. Linux: `struct task_struct`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Task {
    pub(crate) pid: Pid,
    pub(crate) process: ProcessId,
    pub(crate) table: TableId,
    pub(crate) sighand: SighandId,
    pub(crate) mask: SigSet,
    pub(crate) pending: SigSet,
    /// It was chosen to take a signal, or found one when it changed its
    /// mask. Linux: `TIF_SIGPENDING`.
    pub(crate) is_signalled: bool,
    /// The call it waits in.
    pub(crate) waiting: Option<Box<Waiting>>,
    /// Some descriptor stands for this very thread (`PIDFD_THREAD`).
    pub(crate) has_pidfd: bool,
    /// The thread that waits, after `vfork(2)`, for this one's exec or exit.
    pub(crate) vfork_parent: Option<Tid>,
}

/// The threads that die together. Linux: `struct signal_struct` and `struct pid`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: Option<ProcessId>,
    /// The parent's thread that made it, while that lives. Linux: `real_parent`.
    pub(crate) maker: Option<Tid>,
    /// Those that are not reaped, in the order of their birth.
    pub(crate) children: Head<ProcessId>,
    pub(crate) sibling: Links<ProcessId>,
    /// The live ones, oldest first.
    pub(crate) threads: Vec<Tid>,
    pub(crate) life: Life,
    pub(crate) pending: SigSet,
    /// What its leader blocked when that ended.
    pub(crate) leader_mask: SigSet,
    /// Kept until the process is reaped, for signalfds that were added by it.
    pub(crate) sighand: SighandId,
    /// The soft `RLIMIT_NOFILE`.
    pub(crate) nofile: u64,
    pub(crate) pidfd_queue: QueueId,
    /// How many pidfds name it.
    pub(crate) pidfds: u32,
}

impl Process {
    pub(crate) fn sibling(&mut self) -> &mut Links<ProcessId> {
        &mut self.sibling
    }
}

/// Who answers to a number. Linux: `struct pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Numbered {
    pub(crate) process: ProcessId,
    /// `None` for a leader that has ended before its process was reaped.
    pub(crate) task: Option<Tid>,
}

/// How far a process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Running,
    /// Its threads are gone; the parent has not heard yet. Holds the wait status.
    Zombie(i32),
    /// Only pidfds still name it.
    Reaped,
}

/// The soft `RLIMIT_NOFILE` of a first process.
const DEFAULT_NOFILE: u64 = 1024;

/// What `unshare(2)` knows: the descriptor table, the handlers, the memory,
/// and the namespaces and the like that are not modelled.
const UNSHARE_FLAGS: u64 =
    flags::CLONE_FILES | flags::CLONE_SIGHAND | flags::CLONE_VM | flags::CLONE_THREAD | 0x7e06_0280;

/// Numbers of processes begin anew after this one. Linux: `pid_max` on 64 bits.
const PID_MAX: i32 = 1 << 22;
/// Where they begin anew. Linux: `RESERVED_PIDS`.
const RESERVED_PIDS: i32 = 300;

impl Kernel {
    /// A process with an empty table and no parent: where a world begins.
    pub fn spawn(&mut self, pid: Pid) -> Tid {
        let table = self.tables.insert(FdTable::new());
        let sighand = Sighand::new(&mut self.waits);
        let sighand = self.sighands.insert(sighand);
        *self.next_pid = self.next_pid.max(pid.0.saturating_add(1));
        self.new_task(pid, None, None, table, sighand, DEFAULT_NOFILE, 0)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a task, each named where it is made"
    )]
    fn new_task(
        &mut self,
        pid: Pid,
        process: Option<ProcessId>,
        parent: Option<ProcessId>,
        table: TableId,
        sighand: SighandId,
        nofile: u64,
        mask: SigSet,
    ) -> Tid {
        let process = process.unwrap_or_else(|| {
            self.sighands[sighand].users += 1;
            let process = self.processes.insert(Process {
                pid,
                parent,
                maker: None,
                children: Head::default(),
                sibling: Links::default(),
                threads: Vec::new(),
                life: Life::Running,
                pending: 0,
                leader_mask: 0,
                sighand,
                nofile,
                pidfd_queue: self.waits.create(),
                pidfds: 0,
            });
            if let Some(parent) = parent {
                let mut children = self.processes[parent].children;
                children.push_back(process, &mut self.processes, Process::sibling);
                self.processes[parent].children = children;
            }
            process
        });
        let tid = self.tasks.insert(Task {
            pid,
            process,
            table,
            sighand,
            mask,
            pending: 0,
            is_signalled: false,
            waiting: None,
            has_pidfd: false,
            vfork_parent: None,
        });
        self.processes[process].threads.push(tid);
        let task = Some(tid);
        self.pids.insert(pid, Numbered { process, task });
        tid
    }

    /// `fork(2)`, `clone(2)`, `clone3(2)`. Makes a process, or with
    /// `CLONE_THREAD` a thread; gives its number, and a pidfd if asked.
    /// Linux: `copy_process`.
    pub fn clone_task(&mut self, caller: Tid, flags: u64) -> Result<(Pid, Option<Fd>), Errno> {
        use flags::{CLONE_FILES, CLONE_PIDFD, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM};
        let has = |flag| flags & flag != 0;
        if has(CLONE_THREAD) && !has(CLONE_SIGHAND) || has(CLONE_SIGHAND) && !has(CLONE_VM) {
            return Err(Errno::EINVAL);
        }
        if has(CLONE_PIDFD) {
            if has(CLONE_THREAD) && !self.version.has_pidfd_thread() {
                return Err(Errno::EINVAL);
            }
            self.room_for_fds(caller, 1)?;
        }
        let Task {
            process,
            table,
            sighand,
            mask,
            ..
        } = self.tasks[caller];
        let table = if has(CLONE_FILES) {
            self.tables[table].users += 1;
            table
        } else {
            self.copy_table(table)
        };
        let sighand = if has(CLONE_SIGHAND) {
            sighand
        } else {
            let copy = self.sighands[sighand].copy(&mut self.waits);
            self.sighands.insert(copy)
        };
        let pid = self.free_pid();
        let (thread_of, nofile) = (
            has(CLONE_THREAD).then_some(process),
            self.processes[process].nofile,
        );
        let parent = if has(flags::CLONE_PARENT) {
            self.processes[process].parent
        } else {
            Some(process)
        };
        let maker = if has(flags::CLONE_PARENT) {
            self.processes[process].maker
        } else {
            Some(caller)
        };
        let child = self.new_task(pid, thread_of, parent, table, sighand, nofile, mask);
        if thread_of.is_none() {
            let child = self.tasks[child].process;
            self.processes[child].maker = maker;
        }
        let pidfd = if has(CLONE_PIDFD) {
            let of = if has(CLONE_THREAD) {
                PidfdOf::Thread(child)
            } else {
                PidfdOf::Process
            };
            let process = self.tasks[child].process;
            Some(self.install_pidfd(caller, process, of, 0)?)
        } else {
            None
        };
        if has(flags::CLONE_VFORK) {
            self.tasks[child].vfork_parent = Some(caller);
        }
        Ok((pid, pidfd))
    }

    /// `unshare(2)` of the descriptor table; other flags change nothing here.
    /// Linux: `check_unshare_flags`.
    pub fn unshare(&mut self, caller: Tid, flags: u64) -> Result<(), Errno> {
        use flags::{CLONE_SIGHAND, CLONE_THREAD, CLONE_VM};
        let task = &self.tasks[caller];
        let process = &self.processes[task.process];
        // A leader that has ended still counts.
        let is_alone = process.threads.len() == 1 && task.pid == process.pid;
        let shares_handlers = self.sighands[task.sighand].users > 1;
        let needs_solitude = flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) != 0;
        if flags & !UNSHARE_FLAGS != 0
            || needs_solitude && !is_alone
            || flags & (CLONE_SIGHAND | CLONE_VM) != 0 && shares_handlers
        {
            return Err(Errno::EINVAL);
        }
        if flags & flags::CLONE_FILES != 0 {
            self.unshare_table(caller);
        }
        Ok(())
    }

    /// `execve(2)`. The other threads end, the table becomes the caller's
    /// own, and what is marked close-on-exec is closed.
    /// Linux: `begin_new_exec`.
    pub fn execve(&mut self, caller: Tid) {
        let process = self.tasks[caller].process;
        for thread in self.processes[process].threads.clone() {
            if thread != caller {
                self.exit_task(thread);
            }
        }
        self.let_others_run();
        // The caller becomes the leader, under the leader's number.
        let leader_pid = self.processes[process].pid;
        let old_pid = std::mem::replace(&mut self.tasks[caller].pid, leader_pid);
        if old_pid != leader_pid && std::mem::take(&mut self.tasks[caller].has_pidfd) {
            self.thread_gone(caller, false);
        }
        self.pids.remove(&old_pid);
        let task = Some(caller);
        self.pids.insert(leader_pid, Numbered { process, task });
        self.unshare_table(caller);
        self.end_vfork(caller);
        self.unshare_sighand(caller);
        let table = self.tasks[caller].table;
        self.close_on_exec(table);
        self.run_task_work();
    }

    /// The caller sleeps until its other threads have ended; who is woken
    /// meanwhile goes on. Linux: `de_thread`.
    fn let_others_run(&mut self) {
        let running = self.running;
        self.let_woken_run();
        self.running = running;
    }

    /// `exit(2)`. Ends one thread; the last one ends the process.
    pub fn exit(&mut self, caller: Tid, status: i32) {
        let process = self.tasks[caller].process;
        self.exit_task(caller);
        if self.processes[process].threads.is_empty() {
            self.exit_notify(process, (status & 0xff) << 8);
        }
    }

    /// `exit_group(2)`. Ends every thread of the process.
    pub fn exit_group(&mut self, caller: Tid, status: i32) {
        let process = self.tasks[caller].process;
        self.end_process(process, (status & 0xff) << 8);
    }

    pub(crate) fn end_process(&mut self, process: ProcessId, wait_status: i32) {
        for thread in self.processes[process].threads.clone() {
            self.exit_task(thread);
        }
        self.exit_notify(process, wait_status);
    }

    /// One thread ends. Linux: `do_exit`.
    fn exit_task(&mut self, tid: Tid) {
        self.abandon_call(tid);
        self.end_vfork(tid);
        let task = self.tasks.remove(tid);
        self.put_table(task.table);
        self.run_task_work();
        let process = &mut self.processes[task.process];
        process.threads.retain(|thread| *thread != tid);
        let is_leader = task.pid == process.pid;
        if is_leader {
            process.leader_mask = task.mask;
        }
        self.leave_children(task.process, tid);
        // A leader's number stays taken until its process is reaped.
        if is_leader {
            let process = task.process;
            self.pids.insert(
                task.pid,
                Numbered {
                    process,
                    task: None,
                },
            );
        } else {
            self.pids.remove(&task.pid);
        }
        if task.has_pidfd {
            self.thread_gone(tid, is_leader);
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
            self.send_signal(target, crate::signal::SIGCHLD, Scope::Process);
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

    pub(crate) fn children(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> + '_ {
        let first = self.processes[process].children.first();
        std::iter::successors(first, |child| self.processes[*child].sibling.next())
    }

    /// A process leaves its parent, because one of them is gone.
    fn leave_parent(&mut self, process: ProcessId) {
        if let Some(parent) = self.processes[process].parent.take() {
            let mut children = self.processes[parent].children;
            children.remove(process, &mut self.processes, Process::sibling);
            self.processes[parent].children = children;
        }
    }

    /// One try of `wait4(2)`: `None` while there is a child that still runs.
    pub(crate) fn try_wait4(&mut self, caller: Tid, pid: Pid) -> Option<Result<Return, Errno>> {
        let process = self.tasks[caller].process;
        let is_wanted = |child: &ProcessId| pid.0 == -1 || self.processes[*child].pid == pid;
        let mut wanted: Vec<ProcessId> = self.children(process).filter(is_wanted).collect();
        if wanted.is_empty() {
            return Some(Err(Errno::ECHILD));
        }
        // The caller's own first, then those of the threads after it, all around.
        let threads = &self.processes[process].threads;
        let place_of = |tid: Tid| threads.iter().position(|thread| *thread == tid);
        let own_place = place_of(caller).unwrap_or(0);
        wanted.sort_by_key(|child| {
            let place = self.processes[*child].maker.and_then(place_of).unwrap_or(0);
            (place + threads.len() - own_place) % threads.len()
        });
        let mut wanted = wanted.into_iter();
        let (child, status) = wanted.find_map(|child| match self.processes[child].life {
            Life::Zombie(status) => Some((child, status)),
            _ => None,
        })?;
        let pid = self.processes[child].pid;
        self.reap(child);
        Some(Ok(Return::with(
            pid.0.into(),
            crate::syscall::Out::Status(status),
        )))
    }

    /// The task that answers to a number now.
    pub fn tid(&self, pid: Pid) -> Option<Tid> {
        self.pids.get(&pid)?.task
    }

    /// A task's number.
    pub fn pid_of(&self, tid: Tid) -> Pid {
        self.tasks[tid].pid
    }

    /// The number of the process a task belongs to: what `getpid(2)` gives.
    pub fn process_pid(&self, tid: Tid) -> Pid {
        self.processes[self.tasks[tid].process].pid
    }

    /// Some live thread of a process, the oldest.
    pub(crate) fn leader(&self, process: ProcessId) -> Option<Tid> {
        self.processes[process].threads.first().copied()
    }

    /// The process with this number, dead or alive, unless it was reaped.
    pub(crate) fn process_numbered(&self, pid: Pid) -> Option<ProcessId> {
        let process = self.pids.get(&pid)?.process;
        (self.processes[process].pid == pid).then_some(process)
    }

    /// The number for the next task: dictated, or the next one that is free.
    /// Linux: `alloc_pid`.
    fn free_pid(&mut self) -> Pid {
        if let Some(pid) = self.dictated_pid.take() {
            *self.next_pid = self.next_pid.max(pid.0.saturating_add(1));
            return pid;
        }
        loop {
            let pid = Pid(*self.next_pid);
            *self.next_pid = if pid.0 < PID_MAX {
                pid.0 + 1
            } else {
                RESERVED_PIDS
            };
            if !self.pids.contains_key(&pid) {
                return pid;
            }
        }
    }

    fn end_vfork(&mut self, tid: Tid) {
        if let Some(parent) = self.tasks[tid].vfork_parent.take() {
            let pid = self.tasks[tid].pid;
            self.complete_vfork(parent, pid);
        }
    }

    /// `vfork(2)`: the child runs, the caller waits for it.
    pub fn vfork(&mut self, caller: Tid, flags: u64) -> Outcome {
        match self.clone_task(caller, flags | flags::CLONE_VFORK) {
            Ok((_, pidfd)) => self.begin(caller, Call::Vfork { pidfd }, Patience::Endless, None),
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }
}
