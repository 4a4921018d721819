//! Wait queues: who is told when a file's readiness changes.
//!
//! ```text
//!   WaitQueue:  [ shared ][ shared ] … [ exclusive ][ exclusive ]
//!               newest first             oldest first
//!   wake(1) ──▶ every shared one ──────▶ … until one accepts
//! ```
//!
//! Threads in `epoll_wait(2)` are the exception: they queue exclusively at
//! the head, so that the newest is woken first and stays warm.

use crate::store::Arena;
use crate::store::{EpitemId, QueueId, Tid, WaitId};
use crate::store::{Head, Links};
use crate::store::{Tracked, Written};
use crate::{Events, Kernel};
use std::collections::BTreeSet;

/// Every wait queue of a kernel, and every place on one.
#[derive(Debug, Default, Hash)]
pub(crate) struct WaitQueues {
    queues: Arena<QueueId, Head<WaitId>>,
    entries: Arena<WaitId, Entry>,
    /// The queues that are gone, where calls are stepped: there a queue is
    /// not forgotten, so that a step that comes too late can be told.
    pub(crate) gone: Tracked<Option<Vec<QueueId>>>,
}

impl Clone for WaitQueues {
    fn clone(&self) -> Self {
        WaitQueues {
            queues: self.queues.clone(),
            entries: self.entries.clone(),
            gone: self.gone.clone(),
        }
    }

    fn clone_from(&mut self, other: &Self) {
        self.queues.clone_from(&other.queues);
        self.entries.clone_from(&other.entries);
        self.gone.clone_from(&other.gone);
    }
}

impl Written for WaitQueues {
    #[inline]
    fn is_written(&self) -> bool {
        self.queues.is_written() || self.entries.is_written() || self.gone.is_written()
    }

    fn settle(&mut self) {
        self.queues.settle();
        self.entries.settle();
        self.gone.settle();
    }

    fn weight(&self) -> usize {
        self.queues.weight() + self.entries.weight() + self.gone.weight()
    }

    fn revert_to(&mut self, original: &Self) {
        self.queues.revert_to(&original.queues);
        self.entries.revert_to(&original.entries);
        self.gone.revert_to(&original.gone);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    links: Links<WaitId>,
    queue: QueueId,
    waiter: Waiter,
    is_exclusive: bool,
}

/// Who waits, and so what happens on a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Waiter {
    /// A registration. Linux: `ep_poll_callback`.
    Epitem(EpitemId),
    /// A thread that leaves the queue once woken: in `epoll_wait(2)`, `read(2)`
    /// and the like. Linux: `autoremove_wake_function`.
    Task(Tid),
    /// A thread that waits for a packet: news of room are not for it.
    /// Linux: `receiver_wake_function`.
    Receiver(Tid),
    /// A thread in `poll(2)`, for these events of one of its entries (16
    /// bits, as the call has them); it stays until its call ends. Linux: `pollwake`.
    Poller(Tid, u16),
}

impl WaitQueues {
    pub(crate) fn create(&mut self) -> QueueId {
        self.queues.insert(Head::default())
    }

    pub(crate) fn destroy(&mut self, queue: QueueId) {
        if self.gone.is_some() {
            self.gone.as_mut().expect("they are kept").push(queue);
            return;
        }
        debug_assert!(
            self.queues[queue].is_empty(),
            "a queue dies with its last waiter gone"
        );
        self.queues.remove(queue);
    }

    /// Where calls are stepped: the queues that are gone since the last time.
    pub(crate) fn take_gone(&mut self) -> Vec<QueueId> {
        match &*self.gone {
            Some(gone) if !gone.is_empty() => self.gone.replace(Vec::new()).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self, queue: QueueId) -> bool {
        self.queues[queue].is_empty()
    }

    /// Linux: `add_wait_queue`, `prepare_to_wait`.
    #[inline(always)]
    pub(crate) fn add(&mut self, queue: QueueId, waiter: Waiter) -> WaitId {
        let entry = self.insert(queue, waiter, false);
        self.queues[queue].push_front(entry, &mut self.entries, links);
        entry
    }

    /// Linux: `add_wait_queue_exclusive`, and `do_wait_intr_irq` where `is_exclusive` is not set.
    #[inline(always)]
    pub(crate) fn add_tail(
        &mut self,
        queue: QueueId,
        waiter: Waiter,
        is_exclusive: bool,
    ) -> WaitId {
        let entry = self.insert(queue, waiter, is_exclusive);
        self.queues[queue].push_back(entry, &mut self.entries, links);
        entry
    }

    /// Exclusive, yet at the head: what `epoll_wait(2)` does.
    /// Linux: `__add_wait_queue_exclusive`.
    pub(crate) fn add_newest_first(&mut self, queue: QueueId, waiter: Waiter) -> WaitId {
        let entry = self.insert(queue, waiter, true);
        self.queues[queue].push_front(entry, &mut self.entries, links);
        entry
    }

    /// Linux: `remove_wait_queue`.
    #[inline(always)]
    pub(crate) fn remove(&mut self, entry: WaitId) {
        let queue = self.entries[entry].queue;
        self.queues[queue].remove(entry, &mut self.entries, links);
        self.entries.remove(entry);
    }

    /// The waiters in wake order.
    pub(crate) fn waiters(&self, queue: QueueId) -> impl Iterator<Item = Waiter> + '_ {
        let first = self.queues[queue].first();
        std::iter::successors(first, |entry| self.entries[*entry].links.next())
            .map(|entry| self.entries[entry].waiter)
    }

    /// The first place of a queue.
    pub(crate) fn first(&self, queue: QueueId) -> Option<WaitId> {
        self.queues[queue].first()
    }

    /// The place after another one.
    pub(crate) fn after(&self, place: WaitId) -> Option<WaitId> {
        self.entries[place].links.next()
    }

    /// The queue a place is on, or was on.
    pub(crate) fn queue_of(&self, place: WaitId) -> QueueId {
        self.entries[place].queue
    }

    pub(crate) fn is_exclusive(&self, place: WaitId) -> bool {
        self.entries[place].is_exclusive
    }

    /// True while the place is on its queue.
    pub(crate) fn is_linked(&self, place: WaitId) -> bool {
        let queue = self.queues[self.entries[place].queue];
        std::iter::successors(queue.first(), |at| self.entries[*at].links.next())
            .any(|at| at == place)
    }

    /// Takes a place off its queue and keeps it. Linux: `list_del_init(&wait->entry)`.
    pub(crate) fn unlink(&mut self, place: WaitId) {
        let queue = self.entries[place].queue;
        self.queues[queue].remove(place, &mut self.entries, links);
    }

    /// Who is at a place.
    pub(crate) fn waiter(&self, place: WaitId) -> Option<Waiter> {
        self.entries.get(place).map(|entry| entry.waiter)
    }

    /// How many queues there are, and who is on them, if all is well.
    pub(crate) fn check(
        &self,
        queues: &BTreeSet<QueueId>,
    ) -> Result<(usize, Vec<(WaitId, Waiter)>), String> {
        let mut places = Vec::new();
        for queue in queues {
            let head = self
                .queues
                .get(*queue)
                .ok_or_else(|| format!("{queue:?} is gone"))?;
            for place in head.check(&self.entries, links)? {
                let entry = self.entries[place];
                if entry.queue != *queue {
                    return Err(format!(
                        "{place:?} is on {queue:?} and says {:?}",
                        entry.queue
                    ));
                }
                places.push((place, entry.waiter));
            }
        }
        if places.len() != self.entries.len() {
            return Err("a place is on no queue".into());
        }
        Ok((self.queues.len(), places))
    }

    #[inline(always)]
    fn insert(&mut self, queue: QueueId, waiter: Waiter, is_exclusive: bool) -> WaitId {
        self.entries.insert(Entry {
            links: Links::default(),
            queue,
            waiter,
            is_exclusive,
        })
    }
}

fn links(entry: &mut Entry) -> &mut Links<WaitId> {
    &mut entry.links
}

/// The key of a wake says that there is room, and nothing else.
fn is_only_room(key: Events) -> bool {
    !key.is_empty() && !key.intersects(Events::IN | Events::ERR)
}

/// How many exclusive waiters a wake is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    /// The first that accepts.
    One,
    /// All of them, as at a hang-up or an exit. Linux: `wake_up_all`.
    All,
}

impl Kernel {
    /// Asks the waiters of `queue` in order, until one exclusive waiter has
    /// accepted or, without a limit, to the end.
    ///
    /// A waiter that declines is not counted, so the next one is asked. An
    /// empty `key` says nothing about what happened and passes every filter.
    /// Linux: `__wake_up_common`.
    #[inline(always)]
    pub(crate) fn wake(&mut self, queue: QueueId, limit: Limit, key: Events) {
        let Some(first) = self.waits.queues[queue].first() else {
            return;
        };
        match self.waits.entries[first] {
            // One that watches alone: most files have no other waiter.
            Entry {
                waiter: Waiter::Epitem(epitem),
                links,
                ..
            } if links.next().is_none() && !self.deferred.is_on => {
                self.ep_poll_callback(epitem, key);
            }
            _ => self.wake_from(queue, first, limit, key),
        }
    }

    #[inline(never)]
    fn wake_from(&mut self, queue: QueueId, first: WaitId, limit: Limit, key: Events) {
        if self.deferred.is_on {
            return self.deferred.wakes.push((queue, limit, key));
        }
        let mut next = Some(first);
        while let Some(id) = next {
            let entry = self.waits.entries[id];
            next = entry.links.next();
            let has_accepted = match entry.waiter {
                Waiter::Epitem(epitem) => self.ep_poll_callback(epitem, key),
                Waiter::Task(tid) => self.wake_task(tid, id),
                Waiter::Receiver(_) if is_only_room(key) => false,
                Waiter::Receiver(tid) => self.wake_task(tid, id),
                Waiter::Poller(tid, events) => {
                    self.wake_poller(tid, Events::from_bits_retain(events.into()), key)
                }
            };
            if has_accepted && entry.is_exclusive && limit == Limit::One {
                break;
            }
        }
    }
}
