//! The kernel: owns every table; one method a system call.

mod canonical;
mod dispatch;
mod invariants;
mod quick;
mod unknown;
mod world;

pub(crate) use dispatch::done;
pub use world::{Descriptor, Registration, TaskView};

use crate::abi::Outcome;
use crate::abi::Version;
use crate::epoll::{Epitem, Epoll};
use crate::fs::FdTable;
use crate::fs::kinds::Pipe;
use crate::fs::kinds::Socket;
use crate::fs::kinds::{Buffer, Device};
use crate::fs::{File, FileKind, Opaque};
use crate::stepped::Deferred;
use crate::store::Arena;
use crate::store::Tracked;
use crate::store::{
    BufferId, DeviceId, EpitemId, EpollId, Fd, FileId, Pid, PipeId, ProcessId, SighandId, SocketId,
    TableId, Tid,
};
use crate::task::Sighand;
use crate::task::{Numbered, Process, Task};
use crate::wait::Clock;
use crate::wait::WaitQueues;
use crate::{EpollEvent, Errno, Policy, Syscall};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

/// A whole kernel, as far as descriptors and epoll reach.
///
/// A plain value: no I/O, no threads, no clock but the one it is told. Clone
/// it to try something out; hash it to know a state again.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) policy: Policy,
    pub(crate) version: Version,
    /// Linux: `/proc/sys/fs/epoll/max_user_watches`.
    pub(crate) max_user_watches: u64,
    /// Whether the tasks may do what needs a capability.
    pub(crate) is_privileged: bool,

    pub(crate) tasks: Arena<Tid, Task>,
    pub(crate) processes: Arena<ProcessId, Process>,
    pub(crate) sighands: Arena<SighandId, Sighand>,
    pub(crate) tables: Arena<TableId, FdTable>,
    pub(crate) files: Arena<FileId, File>,
    pub(crate) pipes: Arena<PipeId, Pipe>,
    pub(crate) sockets: Arena<SocketId, Socket>,
    pub(crate) devices: Arena<DeviceId, Device>,
    pub(crate) buffers: Arena<BufferId, Buffer>,
    pub(crate) epolls: Arena<EpollId, Epoll>,
    pub(crate) epitems: Arena<EpitemId, Epitem>,
    pub(crate) waits: WaitQueues,
    pub(crate) clock: Tracked<Clock>,

    /// The first epitem of each file and fd, where a file has several: an index, no state
    /// of its own.
    pub(crate) keys: Tracked<FxHashMap<(FileId, Fd), EpitemId>>,
    /// Every pid in use, of live threads and of processes not yet reaped.
    pub(crate) pids: Tracked<BTreeMap<Pid, Numbered>>,
    pub(crate) next_pid: Tracked<i32>,

    /// Sockets in the queues of sockets, each as often as it is there.
    pub(crate) sockets_in_flight: Tracked<u32>,
    /// Some were, and their messages dropped: Linux does it some time later.
    pub(crate) has_collected: bool,
    /// Sockets may be left that only queues hold.
    pub(crate) is_collection_due: Tracked<bool>,
    /// References that the embedder took with [`Kernel::hold`].
    pub(crate) holds: Tracked<BTreeMap<FileId, u32>>,

    /// Files whose last reference went in the call under way.
    pub(crate) task_work: Vec<FileId>,
    /// Threads on the way to their next try.
    pub(crate) woken: VecDeque<Tid>,
    /// The task on the CPU: the caller, or one that was woken.
    pub(crate) running: Option<Tid>,
    /// Dead processes that have nobody but init to reap them.
    pub(crate) orphans: Vec<ProcessId>,
    /// Threads that have a signal to take on the way back to the program.
    pub(crate) signalled: Vec<Tid>,
    /// Ends of waiting calls nobody has asked for yet.
    pub(crate) completions: Vec<(Tid, Outcome)>,
    /// Numbers for the next descriptors, the last one first.
    pub(crate) dictated_fds: Vec<Fd>,
    pub(crate) dictated_pid: Option<Pid>,
    /// What a stepped call leaves for later steps.
    pub(crate) deferred: Deferred,
    /// Room for the events of a wait under way; empty between two.
    pub(crate) reported: Vec<EpollEvent>,
}

impl Kernel {
    /// An empty world under a policy, on the newest kernel version known.
    pub fn new(policy: Policy) -> Kernel {
        Kernel {
            policy,
            version: Version::default(),
            max_user_watches: 1 << 24,
            is_privileged: true,
            tasks: Arena::default(),
            processes: Arena::default(),
            sighands: Arena::default(),
            tables: Arena::default(),
            files: Arena::default(),
            pipes: Arena::default(),
            sockets: Arena::default(),
            devices: Arena::default(),
            buffers: Arena::default(),
            epolls: Arena::default(),
            epitems: Arena::default(),
            waits: WaitQueues::default(),
            clock: Tracked::default(),
            keys: Tracked::default(),
            pids: Tracked::default(),
            next_pid: Tracked::new(100),
            sockets_in_flight: Tracked::new(0),
            has_collected: false,
            is_collection_due: Tracked::new(false),
            holds: Tracked::default(),
            task_work: Vec::new(),
            woken: VecDeque::new(),
            running: None,
            orphans: Vec::new(),
            signalled: Vec::new(),
            completions: Vec::new(),
            dictated_fds: Vec::new(),
            dictated_pid: None,
            deferred: Deferred::default(),
            reported: Vec::new(),
        }
    }

    /// Behaves as this version of Linux does, where versions differ.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Kernel {
        self.version = version;
        self
    }

    /// How many registrations there may be. Linux: `fs.epoll.max_user_watches`.
    #[must_use]
    pub fn with_max_user_watches(mut self, max: u64) -> Kernel {
        self.max_user_watches = max;
        self
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Performs a call for `caller`, then lets every thread it woke go on.
    ///
    /// The end of a call that waits is found with
    /// [`drain_completions`](Kernel::drain_completions). A caller that is
    /// gone, or waits already, gets [`Outcome::Gone`].
    pub fn call(&mut self, caller: Tid, call: &Syscall) -> Outcome {
        let table = match self.tasks.get(caller) {
            Some(task) if task.waiting.is_none() => task.table,
            _ => return Outcome::Gone,
        };
        self.running = Some(caller);
        match call {
            Syscall::EpollWait { .. } => self.quick_wait(caller, table, call),
            Syscall::EpollCtl { .. } => self.quick_ctl(caller, table, call),
            Syscall::Read { .. } => self.quick_read(caller, table, call),
            Syscall::Write { .. } => self.quick_write(caller, table, call),
            _ => self.call_any(caller, call),
        }
    }

    #[inline(never)]
    pub(crate) fn call_any(&mut self, caller: Tid, call: &Syscall) -> Outcome {
        let outcome = self.dispatch(caller, call);
        self.forget_dictated();
        if self.has_work_left() || !self.can_call(caller) {
            return self.finish_call(caller, call, outcome);
        }
        outcome
    }

    /// What was dictated holds for one call.
    #[inline]
    pub(crate) fn forget_dictated(&mut self) {
        self.dictated_fds.clear();
        self.dictated_pid = None;
    }

    /// The task lives, and waits in no call.
    #[inline]
    fn can_call(&self, tid: Tid) -> bool {
        self.tasks
            .get(tid)
            .is_some_and(|task| task.waiting.is_none())
    }

    /// Does what a call has left to do on its way out.
    #[inline(never)]
    pub(crate) fn finish_call(&mut self, caller: Tid, call: &Syscall, outcome: Outcome) -> Outcome {
        let is_blocked = self.is_blocked(caller);
        if is_blocked {
            self.remember(caller, call);
        }
        let is_gone = if self.has_work_left() {
            self.run_task_work();
            self.deliver_all_signals();
            let is_gone = !is_blocked && self.tasks.get(caller).is_none();
            self.settle();
            self.running = None;
            is_gone
        } else {
            !is_blocked
        };
        if is_gone { Outcome::Gone } else { outcome }
    }

    /// The call under way has dropped, signalled or woken something.
    #[inline]
    pub(crate) fn has_work_left(&self) -> bool {
        let count = self.task_work.len() | self.signalled.len() | self.woken.len();
        (count | self.orphans.len()) != 0 || *self.is_collection_due
    }

    /// The calls that waited and have ended since the last time, in order.
    pub fn drain_completions(&mut self) -> Vec<(Tid, Outcome)> {
        std::mem::take(&mut self.completions)
    }

    /// The fds the next descriptors shall get, instead of the lowest free
    /// ones; for worlds that follow a log. They hold for one call, and must
    /// be free.
    pub fn dictate_fds(&mut self, fds: &[Fd]) {
        self.dictated_fds.clear();
        self.dictated_fds.extend(fds.iter().rev());
    }

    /// The pid the next task shall get. It holds for one call.
    pub fn dictate_pid(&mut self, pid: Pid) {
        self.dictated_pid = Some(pid);
    }

    /// A new file whose readiness is not modelled.
    pub fn open_opaque(&mut self, caller: Tid, kind: Opaque, flags: u32) -> Result<Fd, Errno> {
        self.install_new(caller, FileKind::Opaque(kind), flags)
    }
}

/// Everything but the indexes, which follow from the rest.
impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Kernel {
            policy,
            version,
            max_user_watches,
            is_privileged,
            tasks,
            processes,
            sighands,
            tables,
            ..
        } = self;
        (
            policy,
            version,
            max_user_watches,
            is_privileged,
            tasks,
            processes,
            sighands,
            tables,
        )
            .hash(state);
        let Kernel {
            files,
            pipes,
            sockets,
            devices,
            buffers,
            epolls,
            epitems,
            waits,
            clock,
            ..
        } = self;
        (
            files, pipes, sockets, devices, buffers, epolls, epitems, waits, clock,
        )
            .hash(state);
        let Kernel {
            pids,
            next_pid,
            task_work,
            woken,
            completions,
            dictated_fds,
            dictated_pid,
            ..
        } = self;
        (
            pids,
            next_pid,
            task_work,
            woken,
            completions,
            dictated_fds,
            dictated_pid,
        )
            .hash(state);
    }
}
