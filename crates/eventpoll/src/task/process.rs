//! Processes and threads: fork, threads, wait. Their end is in `exit.rs`, exec in `exec.rs`.
//!
//! ```text
//!   Task ──▶ Process ──▶ (threads that die together, pending signals, limit)
//!    ├─────▶ FdTable     (shared by CLONE_FILES, else copied)
//!    └─────▶ Sighand     (shared by CLONE_SIGHAND, else copied)
//! ```

use super::Pending;
use super::signal::Sighand;
use crate::abi::{Outcome, Return, SigSet, flags};
use crate::fs::FdTable;
use crate::fs::PidfdOf;
use crate::store::{Fd, Pid, ProcessId, QueueId, SighandId, TableId, Tid};
use crate::store::{Head, Links};
use crate::wait::{Call, Timeout, Waiting};
use crate::{Errno, Kernel};
use smallvec::SmallVec;

/// One thread. Linux: `struct task_struct`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Task {
    pub(crate) pid: Pid,
    pub(crate) process: ProcessId,
    pub(crate) table: TableId,
    pub(crate) sighand: SighandId,
    pub(crate) mask: SigSet,
    pub(crate) pending: Pending,
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
    /// The live ones, oldest first. Most processes have one thread.
    pub(crate) threads: SmallVec<[Tid; 2]>,
    pub(crate) life: Life,
    pub(crate) pending: Pending,
    /// What its leader blocked when that ended.
    pub(crate) leader_mask: SigSet,
    /// The thread that took a signal sent to the process last, unless that is
    /// the oldest. Linux: `curr_target`.
    pub(crate) last_taker: Option<Tid>,
    /// Its threads in `wait4(2)`, the newest first. Linux: `wait_chldexit`.
    pub(crate) waiters: Vec<Tid>,
    /// Its threads are told to end, with this wait status. Linux: `SIGNAL_GROUP_EXIT`.
    pub(crate) group_exit: Option<i32>,
    /// One of its threads execs, and waits for the others to end.
    pub(crate) exec: Option<Exec>,
    /// Kept until the process is reaped, for signalfds that were added by it.
    pub(crate) sighand: SighandId,
    /// A signal has stopped it; what it does then is not modelled.
    pub(crate) is_stopped: bool,
    /// The soft `RLIMIT_NOFILE`.
    pub(crate) nofile: u64,
    pub(crate) pidfd_queue: QueueId,
    /// How many pidfds name it.
    pub(crate) pidfds: u32,
}

/// A thread that execs and waits for the end of the others. Linux: `group_exec_task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Exec {
    pub(crate) caller: Tid,
    /// The others are gone but the leader, whose pid it will have.
    pub(super) waits_for_leader: bool,
}

impl Process {
    pub(crate) fn sibling(&mut self) -> &mut Links<ProcessId> {
        &mut self.sibling
    }

    /// A thread has ended. Linux: `__exit_signal`.
    pub(crate) fn remove_thread(&mut self, tid: Tid) {
        let place = self.threads.iter().position(|thread| *thread == tid);
        let place = place.expect("a thread is among its process's");
        self.threads.remove(place);
        if self.last_taker == Some(tid) {
            self.last_taker = self.threads.get(place).copied();
        }
    }
}

/// Who answers to a pid. Linux: `struct pid`.
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

/// pids of processes begin anew after this one. Linux: `pid_max` on 64 bits.
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
                threads: SmallVec::new(),
                life: Life::Running,
                pending: Pending::default(),
                leader_mask: 0,
                last_taker: None,
                waiters: Vec::new(),
                group_exit: None,
                exec: None,
                sighand,
                is_stopped: false,
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
            pending: Pending::default(),
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
    /// `CLONE_THREAD` a thread; gives its pid, and a pidfd if asked.
    /// Linux: `copy_process`.
    pub fn clone_task(&mut self, caller: Tid, flags: u64) -> Result<(Pid, Option<Fd>), Errno> {
        use flags::{CLONE_FILES, CLONE_PIDFD, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM};
        const CLONE_FS: u64 = 0x200;
        const CLONE_NEWNS: u64 = 0x2_0000;
        const CLONE_NEWUSER: u64 = 0x1000_0000;
        let has = |flag| flags & flag != 0;
        if has(CLONE_THREAD) && !has(CLONE_SIGHAND) || has(CLONE_SIGHAND) && !has(CLONE_VM) {
            return Err(Errno::EINVAL);
        }
        // Linux: copy_process.
        if has(CLONE_FS) && has(CLONE_NEWNS | CLONE_NEWUSER) {
            return Err(Errno::EINVAL);
        }
        if has(CLONE_PIDFD) && has(CLONE_THREAD) && !self.version.has_pidfd_thread() {
            return Err(Errno::EINVAL);
        }
        // What is pending is handled first, meant for whichever thread; then the call begins
        // anew. Linux: ERESTARTNOINTR.
        if !self.handles_pending(caller) {
            return Err(Errno::EINTR);
        }
        if has(CLONE_PIDFD) {
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

    pub(crate) fn children(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> + '_ {
        let first = self.processes[process].children.first();
        std::iter::successors(first, |child| self.processes[*child].sibling.next())
    }

    /// One try of `wait4(2)`: `None` while there is a child that still runs.
    pub(crate) fn try_wait4(&mut self, caller: Tid, pid: Pid) -> Option<Result<Return, Errno>> {
        let process = self.tasks[caller].process;
        // All processes are of one group: 0 is the caller's, another pid another's.
        let is_any = matches!(pid.0, -1 | 0);
        let is_wanted = |child: &ProcessId| is_any || self.processes[*child].pid == pid;
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
            crate::abi::Out::Status(status),
        )))
    }

    /// The task that answers to a pid now.
    pub fn tid(&self, pid: Pid) -> Option<Tid> {
        self.pids.get(&pid)?.task
    }

    /// The number that gettid(2) gives to a task.
    ///
    /// # Panics
    ///
    /// If there is no such task.
    pub fn pid_of(&self, tid: Tid) -> Pid {
        self.tasks[tid].pid
    }

    /// The pid of the process a task belongs to: what `getpid(2)` gives.
    pub fn process_pid(&self, tid: Tid) -> Pid {
        self.processes[self.tasks[tid].process].pid
    }

    /// Some live thread of a process, the oldest.
    pub(crate) fn leader(&self, process: ProcessId) -> Option<Tid> {
        self.processes[process].threads.first().copied()
    }

    /// The process with this pid, dead or alive, unless it was reaped.
    pub(crate) fn process_numbered(&self, pid: Pid) -> Option<ProcessId> {
        let process = self.pids.get(&pid)?.process;
        (self.processes[process].pid == pid).then_some(process)
    }

    /// The pid for the next task: dictated, or the next one that is free.
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

    /// `vfork(2)`: the child runs, the caller waits for it.
    pub fn vfork(&mut self, caller: Tid, flags: u64) -> Outcome {
        match self.clone_task(caller, flags | flags::CLONE_VFORK) {
            Ok((_, pidfd)) => {
                let ended = None;
                self.begin(caller, Call::Vfork { pidfd, ended }, Timeout::Endless, None)
            }
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }
}
