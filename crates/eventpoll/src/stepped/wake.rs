//! Wake-ups, stepped: the walk over a queue, and the callback of an epitem on it.
//!
//! ```text
//!   __wake_up   lock ▸ entry ▸ ep_poll_callback ▸ next entry … ▸ unlock
//!                                    └─▶ __wake_up of whoever polls the instance
//! ```

use super::frame::Frame;
use super::locks::Lock;
use super::{Finding, Seed, Stepped, Taken, tell};
use crate::Events;
use crate::store::{EpitemId, QueueId, WaitId};
use crate::wait::{Limit, Waiter};

/// A walk over a queue under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Wake {
    queue: QueueId,
    limit: Limit,
    key: Events,
    is_pollfree: bool,
    at: WakeAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WakeAt {
    Lock,
    /// This entry is next.
    Entry(WaitId),
    /// The callback of an entry has returned.
    After {
        entry: WaitId,
        next: Option<WaitId>,
        has_accepted: bool,
    },
    /// The entry of a queue that goes away leaves it.
    Leave {
        entry: WaitId,
        next: Option<WaitId>,
    },
}

impl Wake {
    pub(super) fn new(queue: QueueId, limit: Limit, key: Events, is_pollfree: bool) -> Wake {
        Wake {
            queue,
            limit,
            key,
            is_pollfree,
            at: WakeAt::Lock,
        }
    }

    pub(super) fn is_silent(self) -> bool {
        matches!(self.at, WakeAt::After { .. })
    }

    pub(super) fn needs(self) -> Option<Lock> {
        (self.at == WakeAt::Lock).then_some(Lock::Queue(self.queue))
    }
}

impl Stepped {
    /// Linux: `__wake_up_common_lock`.
    pub(super) fn run_wake(&mut self, me: usize, mut frame: Wake) -> Taken {
        match frame.at {
            WakeAt::Lock => {
                self.touch_queue(me, frame.queue, "__wake_up")?;
                self.touch_instance_of(me, frame.queue)?;
                let Some(first) = self.kernel.waits.first(frame.queue) else {
                    tell!(self, me, "__wake_up", "nobody is on the queue");
                    return Ok(());
                };
                self.lock(me, Lock::Queue(frame.queue));
                tell!(
                    self,
                    me,
                    "__wake_up",
                    "the queue is locked, first on it: {}",
                    self.waiter_at(first)
                );
                frame.at = WakeAt::Entry(first);
                self.push(me, Frame::Wake(frame))
            }
            WakeAt::Entry(entry) => self.run_entry(me, frame, entry),
            WakeAt::After {
                entry,
                next,
                has_accepted,
                // A wake with POLLFREE asks nobody to accept: every entry has to leave.
            } if frame.is_pollfree => {
                let _ = has_accepted;
                frame.at = WakeAt::Leave { entry, next };
                self.push(me, Frame::Wake(frame))
            }
            WakeAt::After {
                entry,
                next,
                has_accepted,
            } => {
                // Those who are not exclusive stand first and are all told; the limit counts exclusive ones that had a
                // use for the wake.
                let is_enough = has_accepted
                    && self.kernel.waits.is_exclusive(entry)
                    && frame.limit == Limit::One;
                self.go_on(me, frame, next.filter(|_| !is_enough))
            }
            WakeAt::Leave { entry, next } => {
                self.touch_entry(me, entry, "list_del_init")?;
                if let Some(Waiter::Epitem(epitem)) = self.kernel.waits.waiter(entry) {
                    self.kernel.waits.unlink(entry);
                    self.kernel.epitems[epitem].wait = None;
                    tell!(
                        self,
                        me,
                        "ep_poll_callback",
                        "POLLFREE: {} leaves the queue, whead = NULL",
                        self.named(epitem)
                    );
                }
                self.go_on(me, frame, next)
            }
        }
    }

    fn go_on(&mut self, me: usize, mut frame: Wake, next: Option<WaitId>) -> Taken {
        match next {
            Some(next) => {
                frame.at = WakeAt::Entry(next);
                self.push(me, Frame::Wake(frame))
            }
            None => {
                self.unlock(me, Lock::Queue(frame.queue));
                Ok(())
            }
        }
    }

    /// One entry is asked. The next one is read before, as Linux does.
    fn run_entry(&mut self, me: usize, mut frame: Wake, entry: WaitId) -> Taken {
        self.touch_entry(me, entry, "__wake_up_common")?;
        // The callback may take this entry off the queue (POLLFREE), so its successor is read first. The queue's lock
        // keeps the successor.
        let next = self.kernel.waits.after(entry);
        let Some(Waiter::Epitem(epitem)) = self.kernel.waits.waiter(entry) else {
            return self.go_on(me, frame, next);
        };
        let (has_accepted, nested) = self.ep_poll_callback(me, epitem, frame.key)?;
        frame.at = WakeAt::After {
            entry,
            next,
            has_accepted,
        };
        self.push(me, Frame::Wake(frame))?;
        match nested {
            Some(pollers) => self.push(
                me,
                Frame::Wake(Wake::new(pollers, Limit::One, Events::IN, false)),
            ),
            None => Ok(()),
        }
    }

    /// What the callback does under `ep->lock`. Gives whether it accepts, and
    /// the queue of whoever polls the instance, to be woken outside the lock.
    fn ep_poll_callback(
        &mut self,
        me: usize,
        epitem: EpitemId,
        key: Events,
    ) -> Result<(bool, Option<QueueId>), Finding> {
        let function = "ep_poll_callback";
        self.touch_epitem(me, epitem, function)?;
        let epoll = self.kernel.epitems[epitem].epoll;
        self.touch_epoll(me, epoll, function)?;
        let is_scanning = self.kernel.epolls[epoll].is_scanning;
        if is_scanning && self.rules().errs(Seed::OverflowDropped) {
            tell!(
                self,
                me,
                function,
                "a scan is under way: {} is dropped",
                self.named(epitem)
            );
            return Ok((true, None));
        }
        let has_accepted = self.kernel.ep_poll_callback(epitem, key);
        let place = if self.kernel.epitems[epitem].is_overflowing {
            "is on the overflow list"
        } else if self.kernel.epitems[epitem].is_ready {
            "is on the ready list"
        } else {
            "is passed by: nothing it watches"
        };
        tell!(self, me, function, "{} {place}", self.named(epitem));
        Ok((has_accepted, self.wake_instance(me)))
    }

    /// Wakes the waiters that the step under way has wanted woken, and gives
    /// the queue of the pollers it has.
    pub(super) fn wake_instance(&mut self, me: usize) -> Option<QueueId> {
        let mut nested = None;
        for place in 0..self.kernel.deferred.wakes.len() {
            let (queue, ..) = self.kernel.deferred.wakes[place];
            if self.plan_is_waiters(queue) {
                self.wake_waiters(me, queue);
            } else if !self.kernel.waits.is_empty(queue) {
                nested = Some(queue);
            }
        }
        self.kernel.deferred.wakes.clear();
        nested
    }

    /// True for the queue of an instance's waiters.
    fn plan_is_waiters(&self, queue: QueueId) -> bool {
        self.kernel
            .epolls
            .iter()
            .any(|(_, epoll)| epoll.waiters == queue)
    }

    /// `wake_up(&ep->wq)`: each entry leaves the queue, until a sleeper is found.
    fn wake_waiters(&mut self, me: usize, queue: QueueId) {
        while let Some(place) = self.kernel.waits.first(queue) {
            let Some(Waiter::Task(tid)) = self.kernel.waits.waiter(place) else {
                unreachable!("only tasks wait on an instance");
            };
            // It leaves the queue though it is not asleep: a task on its way to sleep sees that it is off
            // (`list_empty_careful`) and looks again.
            self.kernel.waits.remove(place);
            let sleeper = self.runners.iter().position(|r| r.tid == Some(tid));
            let sleeper = sleeper.expect("only a task that is stepped waits");
            let was_asleep = self.wake_sleeper(sleeper);
            tell!(
                self,
                me,
                "ep_autoremove_wake_function",
                "{} {}",
                self.plan.pids[sleeper],
                if was_asleep {
                    "wakes up"
                } else {
                    "runs already"
                }
            );
            // A task that runs already has taken nothing, so the wake goes on to the next.
            if was_asleep {
                break;
            }
        }
    }

    /// The pollers' queue of an instance is part of it.
    fn touch_instance_of(&self, me: usize, queue: QueueId) -> Taken {
        let mut epolls = self.kernel.epolls.iter();
        match epolls.find(|(_, epoll)| epoll.pollers == queue) {
            Some((epoll, _)) => self.touch_epoll(me, epoll, "__wake_up"),
            None => Ok(()),
        }
    }
}
