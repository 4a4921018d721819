//! The virtual clock: time passes only when it is told to.

use crate::Kernel;
use crate::store::{FileId, Tid};
use std::collections::BTreeSet;

/// The time, and what is due when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    now_ns: u64,
    due: BTreeSet<(u64, Alarm)>,
}

/// What happens at a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Alarm {
    /// A timerfd expires.
    Timer(FileId),
    /// A waiting call's time is up.
    Timeout(Tid),
}

impl Clock {
    pub(crate) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    pub(crate) fn set(&mut self, date_ns: Option<u64>, alarm: Alarm) {
        if let Some(date_ns) = date_ns {
            self.due.insert((date_ns, alarm));
        }
    }

    pub(crate) fn cancel(&mut self, date_ns: Option<u64>, alarm: Alarm) {
        if let Some(date_ns) = date_ns {
            self.due.remove(&(date_ns, alarm));
        }
    }

    /// What is due, and when, in order.
    pub(crate) fn alarms(&self) -> impl Iterator<Item = (u64, Alarm)> + '_ {
        self.due.iter().copied()
    }

    fn pop_due(&mut self) -> Option<Alarm> {
        let first = *self
            .due
            .first()
            .filter(|(date_ns, _)| *date_ns <= self.now_ns)?;
        self.due.remove(&first);
        Some(first.1)
    }
}

impl Kernel {
    /// The time on the virtual clock, in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns
    }

    /// When something is due next: a timer, or the end of a waiting call's time.
    pub fn next_alarm_ns(&self) -> Option<u64> {
        self.clock.due.first().map(|(date_ns, _)| *date_ns)
    }

    /// Lets time pass up to a date; a date gone by changes nothing.
    ///
    /// Everything due on the way happens at its own date, in order; calls
    /// that end thereby wait in [`Kernel::drain_completions`].
    pub fn advance_to(&mut self, date_ns: u64) {
        while let Some(next_ns) = self.next_alarm_ns().filter(|next_ns| *next_ns <= date_ns) {
            self.clock.now_ns = self.clock.now_ns.max(next_ns);
            self.clock_due();
            self.settle();
        }
        self.clock.now_ns = self.clock.now_ns.max(date_ns);
    }

    /// Does what is due now.
    pub(crate) fn clock_due(&mut self) {
        while let Some(alarm) = self.clock.pop_due() {
            match alarm {
                Alarm::Timer(file) => self.timer_expired(file),
                Alarm::Timeout(tid) => self.time_is_up(tid),
            }
        }
    }
}
