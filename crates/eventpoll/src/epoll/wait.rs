//! `epoll_wait(2)` and its relatives: look for ready events, sleep, look again.

use super::Epitem;
use crate::abi::{Buffer, Out, Outcome, Return, SigMask, SigSet, UserTimespec};
use crate::store::{EpollId, Fd, FileId, TableId, Tid, WaitId};
use crate::wait::Waiter;
use crate::wait::{Call, Timeout};
use crate::{EpollEvent, Errno, EventList, Events, Kernel};

/// The largest `maxevents`. Linux: `EP_MAX_EVENTS`.
const MAX_EVENTS: i32 = i32::MAX / size_of_event();

const fn size_of_event() -> i32 {
    12
}

/// A wait under way.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct EpollWait {
    /// The instance's file, held while the call sleeps.
    pub(crate) file: FileId,
    pub(crate) epoll: EpollId,
    pub(crate) maxevents: usize,
    buffer: Buffer,
}

impl EpollWait {
    /// The buffer is known to have room, so that nobody asks about each event.
    #[inline(always)]
    pub(crate) fn with_room(self) -> EpollWait {
        EpollWait {
            buffer: Buffer::Mapped,
            ..self
        }
    }

    /// What a wait gives whose time is up.
    #[inline]
    pub(crate) fn nothing() -> Return {
        Return::with(0, Out::Events(EventList::new()))
    }
}

impl Kernel {
    /// `epoll_wait(2)`; a negative time-out waits without end.
    pub fn epoll_wait(
        &mut self,
        caller: Tid,
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout_ms: i32,
    ) -> Outcome {
        let timeout = self.timeout_in_ms(timeout_ms);
        self.wait_for_events(caller, epfd, buffer, maxevents, timeout, None)
    }

    /// `epoll_pwait(2)`: the mask holds for the time of the call.
    pub fn epoll_pwait(
        &mut self,
        caller: Tid,
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout_ms: i32,
        mask: SigMask,
    ) -> Outcome {
        let timeout = self.timeout_in_ms(timeout_ms);
        match checked_mask(mask) {
            Ok(mask) => self.wait_for_events(caller, epfd, buffer, maxevents, timeout, mask),
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }

    /// `epoll_pwait2(2)`: the time-out in nanoseconds.
    pub fn epoll_pwait2(
        &mut self,
        caller: Tid,
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout: UserTimespec,
        mask: SigMask,
    ) -> Outcome {
        let checked = self
            .timeout_from(timeout)
            .and_then(|timeout| Ok((timeout, checked_mask(mask)?)));
        match checked {
            Ok((timeout, mask)) => {
                self.wait_for_events(caller, epfd, buffer, maxevents, timeout, mask)
            }
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }

    fn wait_for_events(
        &mut self,
        caller: Tid,
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
        timeout: Timeout,
        mask: Option<SigSet>,
    ) -> Outcome {
        // The instance is looked up once. A close of epfd while the call sleeps changes nothing for it.
        let table = self.tasks[caller].table;
        let wait = match self.check_wait(table, epfd, buffer, maxevents) {
            Ok(wait) => wait,
            Err(errno) => return Outcome::Done(Err(errno)),
        };
        if let Some(result) = self.try_epoll_wait(caller, &wait) {
            return Outcome::Done(result);
        }
        if timeout == Timeout::None {
            return Outcome::Done(Ok(EpollWait::nothing()));
        }
        self.begin_in_vain(caller, Call::EpollWait(wait), timeout, mask)
    }

    /// The checks, in Linux's order. Linux: `do_epoll_wait`, `ep_check_params`.
    #[inline(always)]
    pub(crate) fn check_wait(
        &self,
        table: TableId,
        epfd: Fd,
        buffer: Buffer,
        maxevents: i32,
    ) -> Result<EpollWait, Errno> {
        let is_count_bad = maxevents <= 0 || maxevents > MAX_EVENTS;
        if is_count_bad && self.version.checks_maxevents_first() {
            return Err(Errno::EINVAL);
        }
        let is_buffer_bad = buffer == Buffer::KernelSpace;
        if is_buffer_bad && self.version.checks_maxevents_first() {
            return Err(Errno::EFAULT);
        }
        let (file, instance) = self.find_file_in(table, epfd).ok_or(Errno::EBADF)?;
        if is_count_bad {
            return Err(Errno::EINVAL);
        }
        if is_buffer_bad {
            return Err(Errno::EFAULT);
        }
        let epoll = instance.epoll().ok_or(Errno::EINVAL)?;
        if self.is_refused(table, epfd) {
            return Err(Errno::ESTALE);
        }
        Ok(EpollWait {
            file,
            epoll,
            maxevents: maxevents as usize,
            buffer,
        })
    }

    /// Looks for ready events once; `None` if there were none.
    pub(crate) fn try_epoll_wait(
        &mut self,
        caller: Tid,
        wait: &EpollWait,
    ) -> Option<Result<Return, Errno>> {
        let has_faulted = self.has_ready(wait) && self.ep_send_events(caller, wait);
        // What was written before the fault counts; the fault is told only if nothing was.
        match self.reported.len() {
            0 if has_faulted => Some(Err(Errno::EFAULT)),
            0 => None,
            _ => Some(Ok(self.take_reported())),
        }
    }

    #[inline(always)]
    pub(crate) fn has_ready(&self, wait: &EpollWait) -> bool {
        !self.epolls[wait.epoll].ready.is_empty()
    }

    /// The events just found, in a list of the size it needs; the buffer keeps its memory for the next wait.
    #[inline(always)]
    pub(crate) fn take_reported(&mut self) -> Return {
        let events = match self.reported.as_slice() {
            [event] => EventList::from_buf([*event]),
            events => EventList::from_slice(events),
        };
        self.reported.clear();
        Return::with(events.len() as i64, Out::Events(events))
    }

    /// Polls what is on the ready list, and collects the events of what is ready; true if
    /// an event could not be written. Linux: `ep_send_events`.
    #[inline(always)]
    pub(crate) fn ep_send_events(&mut self, caller: Tid, wait: &EpollWait) -> bool {
        let mut scan = self.ep_start_scan(wait.epoll).scan();
        let mut has_faulted = false;
        while self.reported.len() < wait.maxevents
            && let Some(id) = scan.peek()
        {
            let Epitem {
                file, events, data, ..
            } = self.epitems[id];
            // Being on the list means that something happened, not that anything is there now: the poll decides. A file
            // whose last reference is gone reports nothing, though its epitem is still listed.
            let ready = self.poll_if_alive(file, caller) & events;
            if ready.is_empty() {
                self.epitems[id].is_ready = false;
                scan.drop_next();
                continue;
            }
            if !wait.buffer.has_room(self.reported.len()) {
                // It stays the first, armed as it was: nothing was told of it.
                has_faulted = true;
                break;
            }
            self.reported.push(EpollEvent {
                events: ready,
                data,
            });
            if events.intersects(Events::ONESHOT | Events::ET) {
                let epitem = &mut self.epitems[id];
                epitem.is_ready = false;
                if events.contains(Events::ONESHOT) {
                    // Disarmed: without event bits even ERR and HUP wake nobody, until a MOD.
                    epitem.events &= Events::PRIVATE;
                }
                scan.drop_next();
            } else if let Some(place) = scan.keep() {
                // Level-triggered: back on the list, for the next wait to poll again.
                self.epitems[id].place = place;
            }
        }
        let (left, kept) = scan.end();
        self.ep_done_scan(wait.epoll, left, kept);
        has_faulted
    }

    /// The newest waiter is woken first. Linux: `ep_poll`.
    pub(crate) fn enqueue_epoll_wait(&mut self, tid: Tid, wait: &EpollWait) -> WaitId {
        let queue = self.epolls[wait.epoll].waiters;
        self.waits.add_newest_first(queue, Waiter::Task(tid))
    }

    pub(crate) fn timeout_in_ms(&self, timeout_ms: i32) -> Timeout {
        match timeout_ms {
            0 => Timeout::None,
            ms if ms < 0 => Timeout::Endless,
            ms => {
                let wait_ns = ms as u64 * 1_000_000;
                Timeout::Until(self.clock.now_ns().saturating_add(wait_ns))
            }
        }
    }

    pub(crate) fn timeout_from(&self, timeout: UserTimespec) -> Result<Timeout, Errno> {
        match timeout {
            UserTimespec::Null => Ok(Timeout::Endless),
            UserTimespec::Faults => Err(Errno::EFAULT),
            UserTimespec::Time { sec, nsec } if sec < 0 || !(0..1_000_000_000).contains(&nsec) => {
                Err(Errno::EINVAL)
            }
            UserTimespec::Time { sec: 0, nsec: 0 } => Ok(Timeout::None),
            UserTimespec::Time { sec, nsec } => {
                let wait_ns = (sec as u64)
                    .saturating_mul(1_000_000_000)
                    .saturating_add(nsec as u64);
                Ok(Timeout::Until(self.clock.now_ns().saturating_add(wait_ns)))
            }
        }
    }
}

pub(crate) fn checked_mask(mask: SigMask) -> Result<Option<SigSet>, Errno> {
    match mask {
        SigMask::Null => Ok(None),
        SigMask::Set(set) => Ok(Some(set)),
        SigMask::WrongSize => Err(Errno::EINVAL),
        SigMask::Faults => Err(Errno::EFAULT),
    }
}

impl Buffer {
    /// True if the event after `count` others can be written.
    fn has_room(self, count: usize) -> bool {
        match self {
            Buffer::Mapped => true,
            Buffer::Faults(room) => count < room as usize,
            Buffer::KernelSpace => false,
        }
    }
}
