//! Locks: who holds which. A task that needs one that is taken cannot go on.

use super::{QueueName, Stepped, Thing};
use crate::store::{EpollId, FileId, QueueId};

/// A lock that is held from one step to another.
///
/// What Linux does under `ep->lock`, or under `files->file_lock`, is one step
/// here: whoever looks at what they protect takes them as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Lock {
    /// Linux: `epnested_mutex`.
    Nested,
    /// Linux: `ep->mtx`.
    Mutex(EpollId),
    /// Linux: `file->f_lock`.
    File(FileId),
    /// Linux: `wait_queue_head.lock`.
    Queue(QueueId),
}

impl Lock {
    /// What the lock is part of.
    fn memory(self) -> Option<Thing> {
        match self {
            Lock::Nested => None,
            Lock::Mutex(epoll) => Some(Thing::Epoll(epoll)),
            Lock::File(file) => Some(Thing::File(file)),
            Lock::Queue(queue) => Some(Thing::Queue(QueueName(queue))),
        }
    }

    /// True for those that are held with preemption off, and so delay a grace period.
    fn is_spinlock(self) -> bool {
        matches!(self, Lock::File(_) | Lock::Queue(_))
    }
}

impl Stepped {
    pub(super) fn lock_name(&self, lock: Lock) -> String {
        match lock {
            Lock::Nested => "epnested_mutex".to_owned(),
            Lock::Mutex(epoll) => format!("ep->mtx of {}", self.named(epoll)),
            Lock::File(file) => format!("f_lock of {}", self.named(file)),
            Lock::Queue(queue) => format!("the lock of {}", self.named(QueueName(queue))),
        }
    }

    /// True if the lock can be had, or its memory is gone: then taking it is a finding.
    #[inline]
    pub(super) fn is_free(&self, lock: Lock) -> bool {
        let is_held = self.ledger.locks.iter().any(|(held, _)| *held == lock);
        !is_held
            || lock
                .memory()
                .is_some_and(|thing| self.ledger.memory.is_gone(thing))
    }

    /// Takes a lock that is free.
    pub(super) fn lock(&mut self, me: usize, lock: Lock) {
        let place = self
            .ledger
            .locks
            .partition_point(|held| *held < (lock, me as u8));
        self.ledger.locks.insert(place, (lock, me as u8));
        if lock.is_spinlock() {
            self.rcu_read_lock(me);
        }
    }

    /// Gives a lock back, if it was taken.
    pub(super) fn unlock(&mut self, me: usize, lock: Lock) {
        let held = self
            .ledger
            .locks
            .iter()
            .position(|held| *held == (lock, me as u8));
        if let Some(held) = held {
            self.ledger.locks.remove(held);
            if lock.is_spinlock() {
                self.rcu_read_unlock(me);
            }
        }
    }
}
