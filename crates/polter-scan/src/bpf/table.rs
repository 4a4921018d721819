//! A descriptor table, as a walk met it.

use super::record::{Address, Slot};

/// A descriptor table, and the tasks that share it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) address: Address,
    /// The tasks that have it: pid and tid of each.
    pub(super) tasks: Vec<(u32, u32)>,
    /// Its open fds, ascending.
    pub(super) slots: Vec<Slot>,
}

impl Table {
    /// What an fd names.
    pub(super) fn slot(&self, fd: i32) -> Option<&Slot> {
        self.place(fd).map(|at| &self.slots[at])
    }

    /// The place of an fd among the slots.
    pub(super) fn place(&self, fd: i32) -> Option<usize> {
        // The kernel gives out the lowest free fd, so an fd mostly stands at its own place.
        let guess = usize::try_from(fd).ok();
        let is_it = |at: &usize| self.slots.get(*at).is_some_and(|slot| slot.fd == fd);
        guess
            .filter(is_it)
            .or_else(|| self.slots.binary_search_by_key(&fd, |slot| slot.fd).ok())
    }

    /// The processes that have the table, or the thread that has it alone.
    pub(super) fn owners(&self) -> impl Iterator<Item = u32> {
        let has_leader = self.tasks.iter().any(|(pid, tid)| pid == tid);
        let chosen = self
            .tasks
            .iter()
            .filter(move |(pid, tid)| !has_leader || pid == tid);
        chosen.map(|(_, tid)| *tid)
    }
}
