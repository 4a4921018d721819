//! How the supervisor waits for its workers.

use crate::sys::layout::{DOORBELL, Slot, WAITING};
use crate::sys::{self, Region};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// How often the CPU is offered before the supervisor sleeps.
const YIELDS: u32 = 16;
/// The first sleep, doubled up to the longest; the doorbell ends it early.
const SHORTEST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_millis(2);

/// One wait, of growing steps and with an end.
///
/// Pinned to one CPU, a yield is all a worker needs; the sleep is for other
/// load on that CPU, and for calls that take the kernel a while.
#[derive(Debug)]
pub(crate) struct Backoff {
    limit: Duration,
    steps: u32,
    since: Option<Instant>,
}

impl Backoff {
    /// A wait that may last so long.
    pub(crate) fn new(limit: Duration) -> Backoff {
        Backoff {
            limit,
            steps: 0,
            since: None,
        }
    }

    /// Lets the workers run for a moment; `false` once the limit has passed.
    pub(crate) fn pause(&mut self, region: &Region) -> bool {
        self.steps += 1;
        if self.steps <= YIELDS {
            sys::yield_now();
            return true;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let doubled = SHORTEST.saturating_mul(1 << (self.steps - YIELDS).min(16));
        self.sleep(region, doubled.min(LONGEST));
        since.elapsed() < self.limit
    }

    fn sleep(&self, region: &Region, at_most: Duration) {
        let doorbell = region.word(Slot::HEADER.at(DOORBELL));
        let waiting = region.word(Slot::HEADER.at(WAITING));
        let rung = doorbell.load(SeqCst);
        waiting.store(1, SeqCst);
        sys::wait(doorbell, rung, at_most);
        waiting.store(0, SeqCst);
    }
}
