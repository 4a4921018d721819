//! The log's tasks: their pids, the worlds' tasks they are, and what each is in the middle of.

use super::batch::Batch;
use super::sweep::{SuspectedClose, Sweep};
use eventpoll::{EpollId, Fd, FileId, TableId, Tid};
use rustc_hash::{FxHashMap, FxHashSet};

/// Most live tasks; more are left out.
pub(crate) const MAX_TASKS: usize = 16_384;

/// What a DEL removes: an instance, a file, and the fd it is registered under.
pub(crate) type Del = (EpollId, FileId, Fd);

/// A live task of the log.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) tid: Tid,
    /// The flags of the clone it is in.
    pub(super) giving_birth: Option<u64>,
    /// The parent that was guessed when its first line came before its parent's clone returned.
    pub(crate) guessed_parent: Option<u32>,
    /// The fd of the close it is in.
    pub(crate) closing: Option<Fd>,
    /// What the DEL that it is in removes.
    pub(super) in_del: Option<Del>,
    /// The wait it is in.
    pub(crate) waiting: Option<Wait>,
    /// The events it handles now.
    pub(crate) batch: Batch,
    /// The instance they came from.
    pub(crate) batch_of: Option<EpollId>,
    /// A close that may be one of a sweep.
    pub(crate) sweep: Sweep,
    /// The id of the message that it is sending; its files are in flight already.
    pub(crate) sending: Option<u64>,
}

/// A wait under way.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) epoll: EpollId,
    pub(crate) table: TableId,
    pub(crate) line: u64,
}

/// The live tasks, by the log's pids. A log without pids has one task, which is 0 until a line tells its pid.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    /// Boxed: a table of ten thousand tasks doubles, and has room for as many more.
    tasks: FxHashMap<u32, Box<Task>>,
    /// The tasks that are in a clone, oldest first.
    births: Vec<u32>,
    /// The pid that task 0 turned out to have.
    root: u32,
    /// The tasks that are in a wait.
    waiting: Vec<u32>,
    /// The tasks that are in a DEL.
    in_del: Vec<u32>,
    /// Tasks that called `exit` and are not reported gone yet. A later line of one of them is not a new task's.
    left: FxHashSet<u32>,
    pub(crate) seen: u64,
}

impl Task {
    fn new(tid: Tid) -> Task {
        Task {
            tid,
            giving_birth: None,
            guessed_parent: None,
            closing: None,
            in_del: None,
            waiting: None,
            batch: Batch::default(),
            batch_of: None,
            sweep: Sweep::default(),
            sending: None,
        }
    }
}

impl Tasks {
    pub(crate) fn get(&self, pid: u32) -> Option<&Task> {
        self.tasks.get(&pid).map(|task| &**task)
    }

    pub(crate) fn get_mut(&mut self, pid: u32) -> Option<&mut Task> {
        self.tasks.get_mut(&pid).map(|task| &mut **task)
    }

    pub(crate) fn tid(&self, pid: u32) -> Option<Tid> {
        Some(self.tasks.get(&pid)?.tid)
    }

    /// The log's pids of some tasks, ascending: the map's order must not reach the report.
    pub(crate) fn pids_of(&self, tids: &[Tid]) -> Vec<u32> {
        if tids.is_empty() {
            return Vec::new();
        }
        let known = self
            .tasks
            .iter()
            .filter(|(_, task)| tids.contains(&task.tid));
        let mut pids: Vec<u32> = known.map(|(pid, _)| *pid).collect();
        pids.sort_unstable();
        pids
    }

    pub(crate) fn insert(&mut self, pid: u32, tid: Tid) -> &mut Task {
        self.seen += 1;
        self.tasks
            .entry(pid)
            .insert_entry(Box::new(Task::new(tid)))
            .into_mut()
    }

    /// Adds a captured task. It counts as seen once the log has a line of it.
    pub(crate) fn was_there(&mut self, pid: u32, tid: Tid) {
        self.tasks.insert(pid, Box::new(Task::new(tid)));
    }

    pub(crate) fn remove(&mut self, pid: u32) -> Option<Task> {
        self.births.retain(|parent| *parent != pid);
        self.waiting.retain(|waiter| *waiter != pid);
        self.in_del.retain(|remover| *remover != pid);
        self.tasks.remove(&pid).map(|task| *task)
    }

    /// The suspected closes of the tasks that still live, in no order.
    pub(crate) fn end_sweeps(&mut self) -> Vec<SuspectedClose> {
        let tasks = self.tasks.values_mut();
        let closes = tasks.filter_map(|task| task.sweep.end());
        closes.map(|close| *close).collect()
    }

    /// The same, while the log goes on.
    pub(crate) fn suspected_closes(&mut self) -> Vec<&mut SuspectedClose> {
        let tasks = self.tasks.values_mut();
        tasks.filter_map(|task| task.sweep.suspected()).collect()
    }

    /// A task has called `exit`: later lines of it are not a new task's.
    pub(crate) fn leave(&mut self, pid: u32) {
        if self.left.len() >= MAX_TASKS {
            self.left.clear();
        }
        self.left.insert(pid);
    }

    pub(crate) fn has_left(&self, pid: u32) -> bool {
        self.left.contains(&pid)
    }

    pub(crate) fn forget_left(&mut self, pid: u32) {
        self.left.remove(&pid);
    }

    /// True if a task has no line before its end, and nobody is in a clone that could be making it.
    pub(crate) fn is_stranger(&self, pid: u32) -> bool {
        self.seen > 0 && self.births.is_empty() && !self.tasks.contains_key(&pid)
    }

    /// True if no more tasks are followed.
    pub(crate) fn is_full(&self) -> bool {
        self.tasks.len() >= MAX_TASKS
    }

    /// Task 0 turns out to have a pid.
    pub(crate) fn name_root(&mut self, pid: u32) {
        if let Some(task) = self.tasks.remove(&0) {
            self.tasks.insert(pid, task);
            for listed in [&mut self.births, &mut self.waiting, &mut self.in_del] {
                listed
                    .iter_mut()
                    .filter(|listed| **listed == 0)
                    .for_each(|listed| *listed = pid);
            }
        }
        let guessed = self.tasks.values_mut().map(|task| &mut task.guessed_parent);
        guessed
            .filter(|parent| **parent == Some(0))
            .for_each(|parent| *parent = Some(pid));
        self.root = pid;
    }

    /// A pid of the worlds, as the log has it.
    pub(crate) fn shown(&self, pid: eventpoll::Pid) -> u32 {
        if pid.0 == 0 { self.root } else { pid.0 as u32 }
    }

    /// A task has begun a clone.
    pub(crate) fn begin_birth(&mut self, pid: u32, flags: u64) {
        if let Some(task) = self.tasks.get_mut(&pid) {
            task.giving_birth = Some(flags);
            self.births.push(pid);
        }
    }

    /// A task's clone has returned; gives its flags.
    pub(crate) fn end_birth(&mut self, pid: u32) -> Option<u64> {
        self.births.retain(|parent| *parent != pid);
        self.tasks.get_mut(&pid)?.giving_birth.take()
    }

    /// The likely parent of a task that no clone has returned yet, with the flags: the one that has been in a clone
    /// for longest. It is not given again.
    pub(crate) fn likely_parent(&mut self) -> Option<(u32, u64)> {
        let parent = *self.births.first()?;
        self.births.remove(0);
        let flags = self.tasks.get_mut(&parent)?.giving_birth?;
        Some((parent, flags))
    }

    pub(crate) fn begin_wait(&mut self, pid: u32, wait: Wait) {
        if let Some(task) = self.tasks.get_mut(&pid) {
            task.waiting = Some(wait);
            self.waiting.push(pid);
        }
    }

    pub(crate) fn end_wait(&mut self, pid: u32) {
        if let Some(task) = self.tasks.get_mut(&pid)
            && task.waiting.take().is_some()
        {
            self.waiting.retain(|waiter| *waiter != pid);
        }
    }

    pub(crate) fn begin_del(&mut self, pid: u32, del: Del) {
        if let Some(task) = self.tasks.get_mut(&pid) {
            task.in_del = Some(del);
            self.in_del.push(pid);
        }
    }

    pub(crate) fn end_del(&mut self, pid: u32) {
        if !self.in_del.is_empty()
            && let Some(task) = self.tasks.get_mut(&pid)
            && task.in_del.take().is_some()
        {
            self.in_del.retain(|remover| *remover != pid);
        }
    }

    /// The DELs under way, each with its task's pid.
    pub(crate) fn dels(&self) -> impl Iterator<Item = (u32, &Del)> {
        self.in_del
            .iter()
            .filter_map(|pid| Some((*pid, self.tasks.get(pid)?.in_del.as_ref()?)))
    }

    /// True if a new task's parent cannot be told: several tasks are in a clone.
    pub(crate) fn has_several_births(&self) -> bool {
        self.births.len() > 1
    }

    /// The waits under way, each with its task's pid.
    pub(crate) fn waits(&self) -> impl Iterator<Item = (u32, &Wait)> {
        self.waiting
            .iter()
            .filter_map(|pid| Some((*pid, self.tasks.get(pid)?.waiting.as_ref()?)))
    }
}
