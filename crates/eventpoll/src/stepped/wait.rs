//! `epoll_wait(2)`, stepped.
//!
//! ```text
//!   ep_poll  look ▸ ep->mtx, scan begins ▸ (reference ▸ poll ▸ put ▸ report)* ▸ scan ends ▸ report?
//!              └───────── look again under ep->lock ▸ sleep ▸ woken or late ◀──────────────┘
//! ```

use super::frame::Frame;
use super::locks::Lock;
use super::poll::ItemPoll;
use super::{Seed, Stepped, Taken, tell};
use crate::store::{EpitemId, EpollId, FileId, WaitId};
use crate::wait::Waiter;
use crate::{Errno, Events};

/// A wait under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Wait {
    epoll: EpollId,
    /// The instance's file, if the call holds a reference on it.
    held: Option<FileId>,
    max: u32,
    count: u32,
    /// The time-out is not endless: it can be over whenever the task sleeps.
    can_time_out: bool,
    /// The time is up, or there never was any: the next look that finds nothing is the last.
    is_late: bool,
    /// Its place on `ep->wq` while it sleeps. A wake takes it away, so nothing here means that somebody woke the task.
    place: Option<WaitId>,
    at: WaitAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WaitAt {
    Look,
    Mutex,
    Next,
    Polled(EpitemId),
    Report(EpitemId, Events),
    ScanDone,
    Enqueue,
    Asleep,
    /// Awake, and not on a CPU yet: the time can be up all the same.
    Woken,
    Dequeue,
    End,
}

impl Wait {
    pub(super) fn is_silent(self) -> bool {
        matches!(self.at, WaitAt::Next | WaitAt::Polled(_))
            || self.at == WaitAt::End && self.held.is_none()
    }

    /// Asleep, and nothing but a wake-up can change that.
    pub(super) fn is_asleep(self) -> bool {
        self.at == WaitAt::Asleep
    }

    /// Its timer has not gone off, and it would matter if it did.
    pub(super) fn can_run_late(self) -> bool {
        self.can_time_out && !self.is_late && matches!(self.at, WaitAt::Asleep | WaitAt::Woken)
    }

    pub(super) fn epoll(self) -> EpollId {
        self.epoll
    }
}

impl Stepped {
    /// Linux: `do_epoll_wait`, up to the first look.
    pub(super) fn begin_wait(
        &mut self,
        me: usize,
        epfd: crate::Fd,
        maxevents: i32,
        timeout_ms: Option<i64>,
    ) -> Taken {
        let tid = self.tid(me);
        let found = self.kernel.file_at(tid, epfd);
        let Some((file, epoll)) = found
            .ok()
            .and_then(|file| Some((file, self.epoll_of(file)?)))
            .filter(|_| maxevents > 0)
        else {
            let errno = found.err().unwrap_or(Errno::EINVAL);
            self.answer(me, Err(errno));
            return Ok(());
        };
        let held = self.fdget(me, file, "do_epoll_wait");
        self.push(
            me,
            Frame::Wait(Wait {
                epoll,
                held,
                max: maxevents as u32,
                count: 0,
                can_time_out: timeout_ms.is_some_and(|ms| ms > 0),
                is_late: timeout_ms == Some(0),
                place: None,
                at: WaitAt::Look,
            }),
        )
    }

    pub(super) fn needs_wait(&self, frame: Wait) -> Option<Lock> {
        let is_locked = matches!(frame.at, WaitAt::Mutex | WaitAt::Woken)
            && !self.rules().errs(Seed::ScanWithoutMutex);
        is_locked.then_some(Lock::Mutex(frame.epoll))
    }

    /// Linux: `ep_poll`.
    pub(super) fn run_wait(&mut self, me: usize, mut frame: Wait) -> Taken {
        let epoll = frame.epoll;
        match frame.at {
            WaitAt::Look => self.ep_poll_look(me, &mut frame)?,
            WaitAt::Mutex | WaitAt::Woken => self.ep_poll_scan(me, &mut frame)?,
            WaitAt::Next => {
                let next = self.first_taken(epoll).filter(|_| frame.count < frame.max);
                let Some(epitem) = next else {
                    frame.at = WaitAt::ScanDone;
                    return self.push(me, Frame::Wait(frame));
                };
                self.touch_epitem(me, epitem, "ep_send_events")?;
                self.unlink_taken(epitem);
                frame.at = WaitAt::Polled(epitem);
                self.push(me, Frame::Wait(frame))?;
                return self.push(me, Frame::ItemPoll(ItemPoll::new(epitem)));
            }
            WaitAt::Polled(epitem) => {
                let ready = self.runners[me].ready();
                self.touch_epitem(me, epitem, "ep_send_events")?;
                let is_oneshot = self.kernel.epitems[epitem].events.contains(Events::ONESHOT);
                frame.at = match ready.is_empty() {
                    true => WaitAt::Next,
                    // Another event may come between the poll and the disarming. It goes to the overflow list, and the
                    // next scan drops it, because nothing is watched by then.
                    false if is_oneshot => WaitAt::Report(epitem, ready),
                    false => {
                        self.report(me, &mut frame, epitem, ready);
                        WaitAt::Next
                    }
                };
            }
            WaitAt::Report(epitem, ready) => {
                self.touch_epitem(me, epitem, "ep_send_events")?;
                self.report(me, &mut frame, epitem, ready);
                frame.at = WaitAt::Next;
            }
            WaitAt::ScanDone => {
                self.touch_epoll(me, epoll, "ep_done_scan")?;
                // The lists are joined under `ep->lock`, before the mutex is let go: the next scan must find what is
                // left.
                self.ep_done_scan(me, epoll);
                self.unlock(me, Lock::Mutex(epoll));
                frame.at = if frame.count > 0 || frame.is_late {
                    WaitAt::End
                } else {
                    WaitAt::Enqueue
                };
            }
            WaitAt::Enqueue => self.ep_poll_sleep(me, &mut frame)?,
            WaitAt::Asleep => unreachable!("a sleeper takes no step"),
            WaitAt::Dequeue => self.ep_poll_wake(me, &mut frame)?,
            WaitAt::End => {
                self.answer(me, Ok(frame.count));
                return match frame.held {
                    Some(file) => self.fput(me, file),
                    None => Ok(()),
                };
            }
        }
        self.push(me, Frame::Wait(frame))
    }

    /// The first look, without a lock.
    fn ep_poll_look(&mut self, me: usize, frame: &mut Wait) -> Taken {
        let epoll = frame.epoll;
        self.touch_epoll(me, epoll, "ep_events_available")?;
        let has_some = self.ep_events_available(epoll);
        tell!(
            self,
            me,
            "ep_events_available",
            "{}",
            if has_some { "yes" } else { "no" }
        );
        frame.at = match has_some {
            true => WaitAt::Mutex,
            false if frame.is_late => WaitAt::End,
            false => WaitAt::Enqueue,
        };
        Ok(())
    }

    /// The scan begins, under `ep->mtx`.
    fn ep_poll_scan(&mut self, me: usize, frame: &mut Wait) -> Taken {
        let epoll = frame.epoll;
        self.touch_epoll(me, epoll, "mutex_lock")?;
        if !self.rules().errs(Seed::ScanWithoutMutex) {
            self.lock(me, Lock::Mutex(epoll));
        }
        self.ep_start_scan(epoll);
        tell!(
            self,
            me,
            "ep_start_scan",
            "under ep->mtx of {}: the ready list is taken",
            self.named(epoll)
        );
        frame.at = WaitAt::Next;
        Ok(())
    }

    /// A last look under `ep->lock`, then sleep.
    fn ep_poll_sleep(&mut self, me: usize, frame: &mut Wait) -> Taken {
        let epoll = frame.epoll;
        self.touch_epoll(me, epoll, "ep_poll")?;
        // Under the lock that callbacks take: an event is either seen here, or finds this task on the queue. The first
        // look had no lock, and an event after it would wake nobody.
        let looks = !self.rules().errs(Seed::NoLookBeforeSleep);
        if looks && self.ep_events_available(epoll) {
            tell!(
                self,
                me,
                "ep_events_available",
                "yes, under ep->lock: no sleep"
            );
            frame.at = WaitAt::Mutex;
        } else {
            let (queue, tid) = (self.kernel.epolls[epoll].waiters, self.tid(me));
            let place = self.kernel.waits.add_newest_first(queue, Waiter::Task(tid));
            frame.place = Some(place);
            tell!(
                self,
                me,
                "__add_wait_queue_exclusive",
                "on ep->wq of {}, asleep",
                self.named(epoll)
            );
            frame.at = WaitAt::Asleep;
        }
        Ok(())
    }

    /// Off `ep->wq`, by a wake-up or because the time is up.
    fn ep_poll_wake(&mut self, me: usize, frame: &mut Wait) -> Taken {
        let epoll = frame.epoll;
        self.touch_epoll(me, epoll, "ep_poll")?;
        let is_waiting = self.is_waiting(me, frame.place);
        if is_waiting && let Some(place) = frame.place {
            self.kernel.waits.remove(place);
        }
        frame.place = None;
        // Off the queue though the time is up: the wake was spent on this task, so it has to look. If it ended here,
        // another sleeper that could have had the event would sleep on.
        let goes_on = !is_waiting && !self.rules().errs(Seed::TimeoutForgetsWake);
        tell!(
            self,
            me,
            "ep_poll",
            "{}",
            if is_waiting {
                "still on ep->wq: nothing happened"
            } else {
                "off ep->wq: somebody woke it"
            }
        );
        frame.at = if goes_on { WaitAt::Mutex } else { WaitAt::End };
        Ok(())
    }

    /// One event for the program. Linux: `epoll_put_uevent`, and what follows.
    fn report(&mut self, me: usize, frame: &mut Wait, epitem: EpitemId, ready: Events) {
        frame.count += 1;
        let function = "epoll_put_uevent";
        tell!(self, me, function, "{} is reported", self.named(epitem));
        self.note_event(me, epitem, ready);
        let watched = &mut self.kernel.epitems[epitem];
        if watched.events.contains(Events::ONESHOT) {
            // Disarmed, not removed: a MOD arms it again.
            watched.events &= Events::PRIVATE;
        } else if !watched.events.contains(Events::ET) && !self.rules().errs(Seed::LevelNotPutBack)
        {
            let kernel = &mut self.kernel;
            kernel.epolls[frame.epoll].push_ready(epitem, &mut kernel.epitems);
        }
    }

    /// The list is the instance's own, under `ep->mtx`.
    pub(super) fn ep_start_scan(&mut self, epoll: EpollId) {
        let list = self.kernel.ep_start_scan(epoll);
        let instance = &mut self.kernel.epolls[epoll];
        for id in list.iter() {
            self.kernel.epitems[id].place = instance.taken.push_back(id);
        }
    }

    pub(super) fn first_taken(&self, epoll: EpollId) -> Option<EpitemId> {
        self.kernel.epolls[epoll].taken.first()
    }

    pub(super) fn unlink_taken(&mut self, epitem: EpitemId) {
        let kernel = &mut self.kernel;
        let epoll = kernel.epitems[epitem].epoll;
        kernel.epolls[epoll].unlink_ready(epitem, &mut kernel.epitems);
    }

    pub(super) fn ep_done_scan(&mut self, me: usize, epoll: EpollId) {
        let instance = &mut self.kernel.epolls[epoll];
        let left = std::mem::take(&mut instance.taken);
        let kept = std::mem::take(&mut instance.ready);
        self.kernel.ep_done_scan(epoll, left, kept);
        let is_left = !self.kernel.epolls[epoll].ready.is_empty();
        tell!(
            self,
            me,
            "ep_done_scan",
            "of {}{}",
            self.named(epoll),
            if is_left {
                ": something is ready still"
            } else {
                ""
            }
        );
        if self.rules().errs(Seed::NoWakeAfterScan) {
            self.kernel.deferred.wakes.clear();
        }
        let nested = self.wake_instance(me);
        debug_assert!(nested.is_none(), "a scan tells its waiters only");
    }

    /// Linux: `ep_events_available`. The sequence count makes it one look.
    fn ep_events_available(&self, epoll: EpollId) -> bool {
        let epoll = &self.kernel.epolls[epoll];
        // During a scan the list looks empty though the scan may put something back: so a scan counts as something.
        !epoll.ready.is_empty() || epoll.is_scanning
    }

    fn is_waiting(&self, me: usize, place: Option<WaitId>) -> bool {
        let waiter = place.and_then(|place| self.kernel.waits.waiter(place));
        waiter == Some(Waiter::Task(self.tid(me)))
    }

    /// A sleeper is told; false if it did not sleep.
    pub(super) fn wake_sleeper(&mut self, sleeper: usize) -> bool {
        match self.runners[sleeper].stack.last_mut() {
            Some(Frame::Wait(wait)) if wait.at == WaitAt::Asleep => {
                wait.place = None;
                // Awake and not on a CPU yet, a task's timer can still go off; without a timer the two are one.
                wait.at = match wait.can_time_out {
                    true => WaitAt::Woken,
                    false => WaitAt::Mutex,
                };
                true
            }
            _ => false,
        }
    }

    /// A sleeper's timer goes off. Linux: `hrtimer_wakeup`.
    pub(super) fn time_is_up(&mut self, sleeper: usize) {
        if let Some(Frame::Wait(wait)) = self.runners[sleeper].stack.last_mut() {
            wait.is_late = true;
            wait.at = WaitAt::Dequeue;
            tell!(self, sleeper, "hrtimer_wakeup", "the time is up");
        }
    }
}
