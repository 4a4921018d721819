//! The poll of a watched file, and of an instance, stepped.
//!
//! ```text
//!   ep_item_poll         reference ▸ vfs_poll ▸ put
//!   __ep_eventpoll_poll  ep->mtx, scan begins ▸ (ep_item_poll)* until one is ready ▸ scan ends
//! ```
//!
//! Without the reference ([`Fix::PollGuard`]) a file is polled whose last reference is gone.

use super::frame::Frame;
use super::locks::Lock;
use super::wake::Wake;
use super::{Finding, Fix, Stepped, Taken, tell};
use crate::Events;
use crate::epoll::Epitem;
use crate::store::{EpitemId, EpollId};
use crate::wait::Limit;

/// The poll of an epitem's file under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ItemPoll {
    epitem: EpitemId,
    at: PollAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum PollAt {
    Get,
    Poll,
    Put,
}

/// The poll of an instance under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NestedPoll {
    epoll: EpollId,
    is_ready: bool,
    at: NestedAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum NestedAt {
    Mutex,
    Next,
    Polled(EpitemId),
    Done,
}

impl ItemPoll {
    pub(super) fn new(epitem: EpitemId) -> ItemPoll {
        ItemPoll {
            epitem,
            at: PollAt::Get,
        }
    }

    /// The caller's own reference keeps the file: no other is needed.
    pub(super) fn of_held(epitem: EpitemId) -> ItemPoll {
        ItemPoll {
            epitem,
            at: PollAt::Poll,
        }
    }
}

impl NestedPoll {
    pub(super) fn new(epoll: EpollId) -> NestedPoll {
        NestedPoll {
            epoll,
            is_ready: false,
            at: NestedAt::Mutex,
        }
    }

    pub(super) fn is_silent(self) -> bool {
        matches!(self.at, NestedAt::Next | NestedAt::Polled(_))
    }

    pub(super) fn needs(self) -> Option<Lock> {
        (self.at == NestedAt::Mutex).then_some(Lock::Mutex(self.epoll))
    }
}

impl Stepped {
    /// Linux: `ep_item_poll`.
    pub(super) fn run_item_poll(&mut self, me: usize, mut frame: ItemPoll) -> Taken {
        let epitem = frame.epitem;
        self.touch_epitem(me, epitem, "ep_item_poll")?;
        let Epitem { file, events, .. } = self.kernel.epitems[epitem];
        match frame.at {
            // Before the fix the file was polled as it is: the epitem holds no reference, so it may be in its release.
            PollAt::Get if !self.rules().has(Fix::PollGuard) => {
                frame.at = PollAt::Poll;
                self.run_item_poll(me, frame)
            }
            PollAt::Get => {
                self.touch_file(me, file, "epi_fget")?;
                // Not ready, and nothing more: its release takes the epitem off the list.
                if !self.kernel.get_if_alive(file) {
                    tell!(
                        self,
                        me,
                        "epi_fget",
                        "{} has no reference left: not ready",
                        self.named(file)
                    );
                    self.runners[me].ret = 0;
                    return Ok(());
                }
                tell!(self, me, "epi_fget", "{}", self.counted(file));
                frame.at = PollAt::Poll;
                self.push(me, Frame::ItemPoll(frame))
            }
            PollAt::Poll => {
                self.touch_file(me, file, "vfs_poll")?;
                if self.kernel.files[file].references == 0 {
                    return Err(Finding::PolledDead { task: me, file });
                }
                // Before the poll: a change after it is an edge that has not been seen yet.
                self.set_edge(epitem, false);
                frame.at = PollAt::Put;
                self.push(me, Frame::ItemPoll(frame))?;
                if let Some(inner) = self.epoll_of(file) {
                    return self.push(me, Frame::NestedPoll(NestedPoll::new(inner)));
                }
                let ready = self.kernel.poll_file(file, self.tid(me));
                self.runners[me].ret = ready.bits();
                tell!(
                    self,
                    me,
                    "vfs_poll",
                    "{} is {}",
                    self.named(file),
                    if (ready & events).is_empty() {
                        "not ready"
                    } else {
                        "ready"
                    }
                );
                Ok(())
            }
            PollAt::Put => {
                self.runners[me].ret &= events.bits();
                if self.is_guarded(me) {
                    self.fput(me, file)?;
                }
                Ok(())
            }
        }
    }

    /// True if the poll under way took a reference of its own: in a scan, and not in ctl.
    pub(super) fn is_guarded(&self, me: usize) -> bool {
        // In ctl the fd lookup holds the file for the whole call.
        let is_ctl = matches!(self.runners[me].stack.last(), Some(Frame::Ctl(_)));
        self.rules().has(Fix::PollGuard) && !is_ctl
    }

    /// The put of a poll without a reference is no step.
    pub(super) fn is_silent_item_poll(&self, me: usize, frame: ItemPoll) -> bool {
        let stack = &self.runners[me].stack;
        let below = stack.len().checked_sub(2).map(|below| stack[below]);
        let is_ctl = matches!(below, Some(Frame::Ctl(_)));
        frame.at == PollAt::Put && (is_ctl || !self.rules().has(Fix::PollGuard))
    }

    /// Linux: `__ep_eventpoll_poll`.
    pub(super) fn run_nested_poll(&mut self, me: usize, mut frame: NestedPoll) -> Taken {
        let epoll = frame.epoll;
        match frame.at {
            NestedAt::Mutex => {
                self.touch_epoll(me, epoll, "mutex_lock")?;
                // The inner instance's mutex inside the outer one's: that this order has no circle is what
                // `ep_loop_check` is for.
                self.lock(me, Lock::Mutex(epoll));
                self.ep_start_scan(epoll);
                tell!(
                    self,
                    me,
                    "__ep_eventpoll_poll",
                    "under ep->mtx of {}: the ready list is taken",
                    self.named(epoll)
                );
                frame.at = NestedAt::Next;
                self.push(me, Frame::NestedPoll(frame))
            }
            NestedAt::Next => {
                let Some(epitem) = self.first_taken(epoll) else {
                    frame.at = NestedAt::Done;
                    return self.push(me, Frame::NestedPoll(frame));
                };
                frame.at = NestedAt::Polled(epitem);
                self.push(me, Frame::NestedPoll(frame))?;
                self.push(me, Frame::ItemPoll(ItemPoll::new(epitem)))
            }
            NestedAt::Polled(epitem) => {
                if self.runners[me].ready().is_empty() {
                    self.unlink_taken(epitem);
                    frame.at = NestedAt::Next;
                } else {
                    // The first that is ready is enough, and stays on the list: a poll reports nothing.
                    frame.is_ready = true;
                    frame.at = NestedAt::Done;
                }
                self.push(me, Frame::NestedPoll(frame))
            }
            NestedAt::Done => {
                self.touch_epoll(me, epoll, "ep_done_scan")?;
                self.ep_done_scan(me, epoll);
                self.unlock(me, Lock::Mutex(epoll));
                let ready = if frame.is_ready {
                    Events::READABLE
                } else {
                    Events::empty()
                };
                self.runners[me].ret = ready.bits();
                Ok(())
            }
        }
    }

    /// Wakes whoever polls the instance, if the step has made it ready.
    pub(super) fn push_safewake(&mut self, me: usize) -> Taken {
        match self.wake_instance(me) {
            Some(pollers) => self.push(
                me,
                Frame::Wake(Wake::new(pollers, Limit::One, Events::IN, false)),
            ),
            None => Ok(()),
        }
    }
}
