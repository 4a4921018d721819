//! Memory that is freed, and seen as freed.
//!
//! ```text
//!   kfree      ──────────────────────────────▶ gone
//!   kfree_rcu  ──▶ until every reader that was inside has left ──▶ gone
//! ```
//!
//! Nothing is given out again: whoever comes too late is found, whatever the
//! allocator would have done.

use super::{EntryId, Finding, QueueName, Stepped, Taken, Thing};
use crate::store::{EpitemId, EpollId, FileId, QueueId, WaitId};

/// What is freed, and what will be.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    /// Freed; sorted, to be found by bisection and to make equal states equal.
    gone: Vec<Thing>,
    /// With the readers that may still look, a bit each.
    going: Vec<(Thing, u8)>,
}

impl Memory {
    #[inline]
    pub(super) fn is_gone(&self, thing: Thing) -> bool {
        !self.gone.is_empty() && self.gone.binary_search(&thing).is_ok()
    }

    /// Freed, or about to be.
    pub(super) fn is_freed(&self, thing: Thing) -> bool {
        self.is_gone(thing) || self.going.iter().any(|(going, _)| *going == thing)
    }

    /// Linux: `kfree`.
    pub(super) fn free(&mut self, thing: Thing) {
        if let Err(place) = self.gone.binary_search(&thing) {
            self.gone.insert(place, thing);
        }
    }

    /// Linux: `kfree_rcu`.
    pub(super) fn free_after(&mut self, thing: Thing, readers: u8) {
        // A reader that comes later does not count: it must not find the thing any more, and is told on if it does.
        if readers == 0 {
            self.free(thing);
        } else if let Err(place) = self.going.binary_search(&(thing, readers)) {
            self.going.insert(place, (thing, readers));
        }
    }

    /// A reader has left. Linux: `rcu_read_unlock`.
    pub(super) fn reader_left(&mut self, reader: u8) {
        // A reader that leaves and comes back is a new one: it does not hold what was freed before it came.
        for (_, readers) in &mut self.going {
            *readers &= !reader;
        }
        while let Some(over) = self.going.iter().position(|(_, readers)| *readers == 0) {
            let (thing, _) = self.going.remove(over);
            self.free(thing);
        }
    }
}

impl Clone for Memory {
    fn clone(&self) -> Memory {
        Memory {
            gone: self.gone.clone(),
            going: self.going.clone(),
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Memory) {
        self.gone.clone_from(&other.gone);
        self.going.clone_from(&other.going);
    }
}

impl Stepped {
    /// A step looks at memory: an error if it is gone.
    #[inline]
    pub(super) fn touch(&self, me: usize, thing: Thing, function: &'static str) -> Taken {
        if self.ledger.memory.is_gone(thing) {
            return Err(Finding::UseAfterFree {
                task: me,
                thing,
                function,
            });
        }
        Ok(())
    }

    pub(super) fn touch_file(&self, me: usize, file: FileId, function: &'static str) -> Taken {
        self.touch(me, Thing::File(file), function)
    }

    pub(super) fn touch_epoll(&self, me: usize, epoll: EpollId, function: &'static str) -> Taken {
        self.touch(me, Thing::Epoll(epoll), function)
    }

    pub(super) fn touch_epitem(
        &self,
        me: usize,
        epitem: EpitemId,
        function: &'static str,
    ) -> Taken {
        self.touch(me, Thing::Epitem(epitem), function)
    }

    pub(super) fn touch_entry(&self, me: usize, entry: WaitId, function: &'static str) -> Taken {
        self.touch(me, Thing::Entry(EntryId(entry)), function)
    }

    pub(super) fn touch_queue(&self, me: usize, queue: QueueId, function: &'static str) -> Taken {
        self.touch(me, Thing::Queue(QueueName(queue)), function)
    }

    /// The tasks inside a read-side section, a bit each.
    pub(super) fn readers(&self) -> u8 {
        let inside = self.runners.iter().enumerate();
        let bits = inside.map(|(task, runner)| u8::from(runner.rcu > 0) << task);
        bits.sum()
    }

    /// Linux: `rcu_read_lock`; a spinlock is one as well.
    pub(super) fn rcu_read_lock(&mut self, me: usize) {
        self.runners[me].rcu += 1;
    }

    pub(super) fn rcu_read_unlock(&mut self, me: usize) {
        self.runners[me].rcu -= 1;
        // Sections nest; only the outermost end lets anybody free.
        if self.runners[me].rcu == 0 {
            self.ledger.memory.reader_left(1 << me);
        }
    }

    pub(super) fn free(&mut self, thing: Thing, is_delayed: bool) {
        let readers = if is_delayed { self.readers() } else { 0 };
        self.ledger.memory.free_after(thing, readers);
    }
}
