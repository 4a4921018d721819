//! The log's tasks: their pids, the worlds' tasks they are, and what each is in the middle of.

use super::batch::Batch;
use super::sweep::Sweep;
use crate::verdict::Finding;
use eventpoll::{EpollId, Fd, FileId, TableId, Tid};
use rustc_hash::{FxHashMap, FxHashSet};

/// How many tasks may live at once before new ones are left out.
pub(crate) const MAX_TASKS: usize = 16_384;

/// An instance, a file and the number it is registered under.
pub(crate) type Removal = (EpollId, FileId, Fd);

/// A live task of the log.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) tid: Tid,
    /// It is in a clone that has not returned: with these flags.
    pub(crate) giving_birth: Option<u64>,
    /// The parent that was guessed when the task spoke before its parent's clone returned.
    pub(crate) guessed_parent: Option<u32>,
    /// It is in a close that has not returned, of this number.
    pub(crate) closing: Option<Fd>,
    /// It is in a DEL that has not returned, of this.
    pub(crate) removing: Option<Removal>,
    /// It is in a wait that has not returned.
    pub(crate) waiting: Option<Wait>,
    /// The events it handles now.
    pub(crate) batch: Batch,
    /// The instance they came from.
    pub(crate) batch_of: Option<EpollId>,
    /// A close that may be one of many: see [`crate::state::Sweep`].
    pub(crate) sweep: Sweep,
    /// It is in a send that has not returned, and its files are in flight already: the message's number.
    pub(crate) sending: Option<u64>,
}

/// A wait under way.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) epoll: EpollId,
    pub(crate) table: TableId,
    pub(crate) line: u64,
}

/// The live tasks, by the log's numbers; the nameless one is 0.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    tasks: FxHashMap<u32, Task>,
    /// The tasks in a clone that has not returned, oldest first.
    births: Vec<u32>,
    /// The number the nameless task turned out to have.
    root: u32,
    /// The tasks in a wait that has not returned.
    waiting: Vec<u32>,
    /// The tasks in a DEL that has not returned.
    removing: Vec<u32>,
    /// Those who called `exit` and were not yet said to be gone: lines of
    /// theirs that follow tell of no new task.
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
            removing: None,
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
        self.tasks.get(&pid)
    }

    pub(crate) fn get_mut(&mut self, pid: u32) -> Option<&mut Task> {
        self.tasks.get_mut(&pid)
    }

    pub(crate) fn tid(&self, pid: u32) -> Option<Tid> {
        Some(self.tasks.get(&pid)?.tid)
    }

    /// The log's numbers of some tasks, ascending.
    pub(crate) fn numbers_of(&self, tids: &[Tid]) -> Vec<u32> {
        if tids.is_empty() {
            return Vec::new();
        }
        let known = self
            .tasks
            .iter()
            .filter(|(_, task)| tids.contains(&task.tid));
        let mut numbers: Vec<u32> = known.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn insert(&mut self, pid: u32, tid: Tid) -> &mut Task {
        self.seen += 1;
        self.tasks
            .entry(pid)
            .insert_entry(Task::new(tid))
            .into_mut()
    }

    /// A task that was there before the log: it is seen when the log shows it.
    pub(crate) fn was_there(&mut self, pid: u32, tid: Tid) {
        self.tasks.insert(pid, Task::new(tid));
    }

    pub(crate) fn remove(&mut self, pid: u32) -> Option<Task> {
        self.births.retain(|parent| *parent != pid);
        self.waiting.retain(|waiter| *waiter != pid);
        self.removing.retain(|remover| *remover != pid);
        self.tasks.remove(&pid)
    }

    /// What was suspected of those who still live.
    pub(crate) fn end_sweeps(&mut self) -> Vec<Finding> {
        let tasks = self.tasks.values_mut();
        tasks.filter_map(|task| task.sweep.end()).collect()
    }

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

    /// True for a task of which nothing was seen before its end, though nobody makes one just now.
    pub(crate) fn is_stranger(&self, pid: u32) -> bool {
        self.seen > 0 && self.births.is_empty() && !self.tasks.contains_key(&pid)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.tasks.len() >= MAX_TASKS
    }

    /// The nameless task has a number.
    pub(crate) fn name_root(&mut self, pid: u32) {
        if let Some(task) = self.tasks.remove(&0) {
            self.tasks.insert(pid, task);
            for listed in [&mut self.births, &mut self.waiting, &mut self.removing] {
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

    /// A process number of a world, as the log has it.
    pub(crate) fn shown(&self, pid: eventpoll::Pid) -> u32 {
        if pid.0 == 0 { self.root } else { pid.0 as u32 }
    }

    pub(crate) fn begin_birth(&mut self, pid: u32, flags: u64) {
        if let Some(task) = self.tasks.get_mut(&pid) {
            task.giving_birth = Some(flags);
            self.births.push(pid);
        }
    }

    pub(crate) fn end_birth(&mut self, pid: u32) -> Option<u64> {
        self.births.retain(|parent| *parent != pid);
        self.tasks.get_mut(&pid)?.giving_birth.take()
    }

    /// Whose child a task is that nobody has named yet: of the one that has
    /// been in a clone for longest. Its clone counts as spent.
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

    pub(crate) fn begin_removal(&mut self, pid: u32, removal: Removal) {
        if let Some(task) = self.tasks.get_mut(&pid) {
            task.removing = Some(removal);
            self.removing.push(pid);
        }
    }

    pub(crate) fn end_removal(&mut self, pid: u32) {
        if !self.removing.is_empty()
            && let Some(task) = self.tasks.get_mut(&pid)
            && task.removing.take().is_some()
        {
            self.removing.retain(|remover| *remover != pid);
        }
    }

    /// The DELs under way, each with its task.
    pub(crate) fn removals(&self) -> impl Iterator<Item = (u32, &Removal)> {
        self.removing
            .iter()
            .filter_map(|pid| Some((*pid, self.tasks.get(pid)?.removing.as_ref()?)))
    }

    /// True if there is no telling whose child a task is that nobody has named.
    pub(crate) fn has_several_births(&self) -> bool {
        self.births.len() > 1
    }

    /// The waits under way, each with its task.
    pub(crate) fn waits(&self) -> impl Iterator<Item = (u32, &Wait)> {
        self.waiting
            .iter()
            .filter_map(|pid| Some((*pid, self.tasks.get(pid)?.waiting.as_ref()?)))
    }
}
