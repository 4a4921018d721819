//! What a thread or a process has been sent and nobody has taken.

use super::bit;
use crate::abi::SigSet;
use std::collections::BTreeMap;

/// The first signal that is queued as often as it is sent. Linux: `SIGRTMIN`.
const RTMIN: u32 = 32;

/// Signals that wait to be taken. Linux: `struct sigpending`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pending {
    set: SigSet,
    /// How often more than once each of some real-time signals is there. Few programs send any, and every thread and
    /// process has this field.
    repeated: Option<Box<Repeated>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Repeated {
    /// How often more than once, by signal.
    times: BTreeMap<u32, u32>,
}

impl Pending {
    /// Those that are there at least once. Linux: `sigpending::signal`.
    #[inline]
    pub(crate) fn set(&self) -> SigSet {
        self.set
    }

    /// True if none is there more than once.
    pub(crate) fn is_plain(&self) -> bool {
        self.repeated.is_none()
    }

    /// A signal is sent; false if it is there already, and nothing is told twice. Linux: `legacy_queue`.
    pub(crate) fn add(&mut self, signal: u32) -> bool {
        let is_there = self.set & bit(signal) != 0;
        if is_there && signal < RTMIN {
            return false;
        }
        if is_there {
            let repeated = self.repeated.get_or_insert_default();
            *repeated.times.entry(signal).or_default() += 1;
        }
        self.set |= bit(signal);
        true
    }

    /// Takes a signal once; false if it is not there. Linux: `collect_signal`.
    pub(crate) fn take(&mut self, signal: u32) -> bool {
        if self.set & bit(signal) == 0 {
            return false;
        }
        let Some(repeated) = &mut self.repeated else {
            self.set &= !bit(signal);
            return true;
        };
        match repeated.times.get_mut(&signal) {
            None => self.set &= !bit(signal),
            Some(1) => {
                repeated.times.remove(&signal);
                if repeated.times.is_empty() {
                    self.repeated = None;
                }
            }
            Some(times) => *times -= 1,
        }
        true
    }

    /// Drops a signal, however often it was sent. Linux: `flush_sigqueue_mask`.
    pub(crate) fn drop_all(&mut self, signal: u32) {
        while self.take(signal) {}
    }
}

#[cfg(test)]
mod tests {
    use super::Pending;

    #[test]
    fn a_standard_signal_is_there_once_and_a_real_time_signal_as_often_as_it_came() {
        let mut pending = Pending::default();
        assert_eq!(
            [10, 10, 34, 34, 34, 35].map(|signal| pending.add(signal)),
            [true, false, true, true, true, true]
        );
        assert!(!pending.is_plain());
        assert_eq!(
            [10, 10, 34, 34, 34, 34, 35].map(|signal| pending.take(signal)),
            [true, false, true, true, true, false, true]
        );
        assert_eq!(pending, Pending::default());
    }

    #[test]
    fn what_is_ignored_is_dropped_as_often_as_it_came() {
        let mut pending = Pending::default();
        for signal in [34, 34, 34, 40] {
            pending.add(signal);
        }
        pending.drop_all(34);
        assert_eq!((pending.set(), pending.is_plain()), (super::bit(40), true));
    }
}
