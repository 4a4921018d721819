//! Readiness: arrivals, and the scan that takes them.
//!
//! ```text
//!   ready:   a b c d          wait(2)          ready:   c d │ x │ a b
//!                      ─▶  scan takes all  ─▶        left  over- put back
//!   overflow: –               a b reported           over  flow  (level)
//! ```

use super::Epitem;
use super::index::ReadyList;
use crate::store::{EpitemId, EpollId};
use crate::wait::Limit;
use crate::{Events, Kernel};

impl Kernel {
    /// A watched file's queue was woken: the epitem becomes ready, and whoever
    /// waits on the instance is told. True if an exclusive wake-up was put to
    /// use. Linux: `ep_poll_callback`.
    #[inline(always)]
    pub(crate) fn ep_poll_callback(&mut self, id: EpitemId, key: Events) -> bool {
        let events = self.epitems[id].events;
        // A wake that does not say what happened (an empty key) concerns everybody. An exclusive epitem that had no use
        // for the wake says so, and the wake goes on to the next.
        if events.is_disarmed() || !key.is_empty() && !key.intersects(events) {
            return !events.contains(Events::EXCLUSIVE);
        }
        self.ep_queue_ready(id, key)
    }

    /// What happened is watched.
    #[inline(never)]
    fn ep_queue_ready(&mut self, id: EpitemId, key: Events) -> bool {
        let Epitem {
            epoll,
            events,
            is_ready,
            is_overflowing,
            ..
        } = self.epitems[id];
        let is_exclusive = events.contains(Events::EXCLUSIVE);
        let instance = &mut self.epolls[epoll];
        // The scan has taken the list. An arrival put there now would stand before what the scan puts back, or be
        // dropped by a scan that has just found its file not ready.
        if instance.is_scanning {
            if !is_overflowing {
                self.epitems[id].is_overflowing = true;
                instance.overflow.push(id);
            }
        } else if !is_ready {
            instance.push_ready(id, &mut self.epitems);
        }
        let (waiters, pollers) = (instance.waiters, instance.pollers);
        let mut is_used = false;
        if !self.waits.is_empty(waiters) {
            is_used = match key & (Events::IN | Events::OUT) {
                // A key with both says too little to count.
                direction if direction == Events::IN | Events::OUT => false,
                direction => events.contains(direction),
            };
            self.wake(waiters, Limit::One, Events::empty());
        }
        // An outer instance hears of it even if this epitem was on the list already: for it, each arrival is an edge.
        if !self.waits.is_empty(pollers) {
            self.wake(pollers, Limit::One, Events::IN);
        }
        is_used || !is_exclusive
    }

    /// An epitem that polled ready joins the ready list, if it is not on it.
    pub(crate) fn append_ready(&mut self, id: EpitemId) {
        let Epitem {
            epoll, is_ready, ..
        } = self.epitems[id];
        if is_ready {
            return;
        }
        let instance = &mut self.epolls[epoll];
        instance.push_ready(id, &mut self.epitems);
        let (waiters, pollers) = (instance.waiters, instance.pollers);
        self.wake(waiters, Limit::One, Events::empty());
        self.wake(pollers, Limit::One, Events::IN);
    }

    /// Takes the whole ready list; arrivals go to the overflow list from now on.
    #[inline]
    pub(crate) fn ep_start_scan(&mut self, epoll: EpollId) -> ReadyList {
        let instance = &mut self.epolls[epoll];
        instance.is_scanning = true;
        std::mem::take(&mut instance.ready)
    }

    /// Puts the list together again: what was not visited, then the arrivals, then what was kept. Wakes a waiter if
    /// it is not empty.
    #[inline(always)]
    pub(crate) fn ep_done_scan(&mut self, epoll: EpollId, left: ReadyList, kept: ReadyList) {
        let instance = &mut self.epolls[epoll];
        instance.is_scanning = false;
        instance.ready = kept;
        if !left.is_empty() || !instance.overflow.is_empty() {
            instance.put_together(left, &mut self.epitems);
        }
        // A scan that took only `maxevents`, or put level-triggered epitems back, leaves work for another thread. Nobody
        // else would wake it: the callbacks came before.
        if !instance.ready.is_empty() {
            let waiters = instance.waiters;
            self.wake(waiters, Limit::One, Events::empty());
        }
    }
}
