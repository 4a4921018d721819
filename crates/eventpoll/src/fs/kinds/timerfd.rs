//! Timerfds: a counter of expirations on the kernel's virtual clock.

use crate::abi::{Out, Return, TimerSpec, flags};
use crate::fs::FileKind;
use crate::store::{Fd, FileId, QueueId, Tid};
use crate::wait::Alarm;
use crate::wait::Limit;
use crate::{Errno, Events, Kernel};

/// `CLOCK_REALTIME`, `CLOCK_MONOTONIC`, `CLOCK_BOOTTIME` and the two alarm clocks.
const CLOCKS: [i32; 5] = [0, 1, 7, 8, 9];

/// The two that wake a machine from its sleep.
const ALARM_CLOCKS: [i32; 2] = [8, 9];

/// Linux: `struct timerfd_ctx`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Timerfd {
    clock: i32,
    interval_ns: u64,
    /// When the timer expires next, if it is armed.
    expires_ns: Option<u64>,
    /// Of an alarm clock: the date it was last set to, though it was disarmed since.
    /// Linux: `alarm_expires_remaining` does not look whether it is armed.
    stale_ns: Option<u64>,
    /// Expirations nobody has read.
    ticks: u64,
    /// It has expired with an interval; only a read or a look at it winds it
    /// up again, so an unread one is a single event.
    has_expired: bool,
    pub(crate) queue: QueueId,
}

impl Timerfd {
    /// Linux: `timerfd_poll`.
    pub(crate) fn poll(&self) -> Events {
        if self.ticks > 0 {
            Events::IN
        } else {
            Events::empty()
        }
    }

    /// When it expires next by itself: not before it is wound up again.
    pub(crate) fn next_alarm_ns(&self) -> Option<u64> {
        self.expires_ns.filter(|_| !self.has_expired)
    }

    fn spec(&self, now_ns: u64) -> TimerSpec {
        let stale = self.stale_ns.unwrap_or(0).saturating_sub(now_ns);
        let left = self
            .expires_ns
            .map_or(stale, |expires| expires.saturating_sub(now_ns).max(1));
        TimerSpec {
            interval_ns: self.interval_ns,
            value_ns: left,
        }
    }

    /// Counts what expired unread since the first time, and winds up again.
    fn catch_up(&mut self, now_ns: u64) -> bool {
        let Some(expired_at) = self
            .expires_ns
            .filter(|_| self.has_expired && self.interval_ns > 0)
        else {
            return false;
        };
        let missed = (now_ns - expired_at) / self.interval_ns;
        let next_ns = (missed + 1).saturating_mul(self.interval_ns);
        self.ticks += missed;
        self.expires_ns = Some(expired_at.saturating_add(next_ns));
        self.has_expired = false;
        true
    }
}

impl Kernel {
    /// `timerfd_create(2)`.
    pub fn timerfd_create(&mut self, caller: Tid, clock: i32, flags: u32) -> Result<Fd, Errno> {
        if flags & !(flags::O_CLOEXEC | flags::O_NONBLOCK) != 0 || !CLOCKS.contains(&clock) {
            return Err(Errno::EINVAL);
        }
        self.room_for_fds(caller, 1)?;
        let timer = Timerfd {
            clock,
            interval_ns: 0,
            expires_ns: None,
            stale_ns: None,
            ticks: 0,
            has_expired: false,
            queue: self.waits.create(),
        };
        self.install_new(
            caller,
            FileKind::Timerfd(Box::new(timer)),
            flags | flags::O_RDWR,
        )
    }

    /// `timerfd_settime(2)`. Gives the former setting.
    pub fn timerfd_settime(
        &mut self,
        caller: Tid,
        fd: Fd,
        flags: u32,
        new: TimerSpec,
    ) -> Result<TimerSpec, Errno> {
        if flags & !(flags::TFD_TIMER_ABSTIME | flags::TFD_TIMER_CANCEL_ON_SET) != 0 {
            return Err(Errno::EINVAL);
        }
        let file = self.timer_file(caller, fd)?;
        let now_ns = self.clock.now_ns();
        let timer = self.timer_mut(file);
        timer.catch_up(now_ns);
        let former = timer.spec(now_ns);
        let disarmed = timer.expires_ns.take();
        timer.ticks = 0;
        timer.has_expired = false;
        timer.interval_ns = new.interval_ns;
        let is_absolute = flags & flags::TFD_TIMER_ABSTIME != 0;
        if new.value_ns > 0 {
            timer.expires_ns = Some(if is_absolute {
                new.value_ns
            } else {
                now_ns.saturating_add(new.value_ns)
            });
        }
        if ALARM_CLOCKS.contains(&timer.clock) {
            timer.stale_ns = timer.expires_ns.or(disarmed).or(timer.stale_ns);
        }
        let armed = timer.expires_ns;
        self.clock.cancel(disarmed, Alarm::Timer(file));
        self.clock.set(armed, Alarm::Timer(file));
        self.clock_due();
        Ok(former)
    }

    /// `timerfd_gettime(2)`.
    pub fn timerfd_gettime(&mut self, caller: Tid, fd: Fd) -> Result<TimerSpec, Errno> {
        let file = self.timer_file(caller, fd)?;
        let now_ns = self.clock.now_ns();
        let timer = self.timer_mut(file);
        let has_wound_up = timer.catch_up(now_ns);
        let (spec, expires) = (timer.spec(now_ns), timer.expires_ns);
        if has_wound_up {
            self.clock.set(expires, Alarm::Timer(file));
        }
        Ok(spec)
    }

    /// One try of a read; `None` if nothing has expired. Linux: `timerfd_read_iter`.
    pub(crate) fn try_read_timerfd(&mut self, file: FileId) -> Option<u64> {
        let now_ns = self.clock.now_ns();
        let timer = self.timer_mut(file);
        if timer.ticks == 0 {
            return None;
        }
        let has_wound_up = timer.catch_up(now_ns);
        let (ticks, expires) = (std::mem::take(&mut timer.ticks), timer.expires_ns);
        timer.has_expired = false;
        if has_wound_up {
            self.clock.set(expires, Alarm::Timer(file));
        }
        Some(ticks)
    }

    /// The clock has come to a timer's date. Linux: `timerfd_triggered`.
    pub(crate) fn timer_expired(&mut self, file: FileId) {
        let timer = self.timer_mut(file);
        timer.ticks += 1;
        timer.has_expired = true;
        if timer.interval_ns == 0 {
            timer.expires_ns = None;
        }
        let queue = timer.queue;
        self.wake(queue, Limit::One, Events::IN);
    }

    pub(crate) fn release_timerfd(&mut self, file: FileId, timer: &Timerfd) {
        self.clock.cancel(timer.expires_ns, Alarm::Timer(file));
        self.waits.destroy(timer.queue);
    }

    fn timer_file(&self, caller: Tid, fd: Fd) -> Result<FileId, Errno> {
        let file = self.file_at(caller, fd)?;
        match self.files[file].kind {
            FileKind::Timerfd(_) => Ok(file),
            _ => Err(Errno::EINVAL),
        }
    }

    fn timer_mut(&mut self, file: FileId) -> &mut Timerfd {
        match &mut self.files[file].kind {
            FileKind::Timerfd(timer) => timer,
            _ => unreachable!("the caller has looked at the kind"),
        }
    }
}

impl From<TimerSpec> for Return {
    fn from(spec: TimerSpec) -> Return {
        Return::with(0, Out::Timer(spec))
    }
}
