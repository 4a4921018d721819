//! What a program did with an fd that was reported.

use crate::calls::{Effect, effect_of};
use crate::facts::{CallCounts, Counted};

/// The calls on one fd, by what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heed {
    /// Reads that took something.
    pub(super) taken: u64,
    /// Reads that came to the end of the file.
    pub(super) ends: u64,
    /// Reads and accepts that found nothing.
    pub(super) in_vain: u64,
    /// Writes that put something out.
    pub(super) put: u64,
    /// Connections accepted.
    pub(super) accepted: u64,
    /// Calls that close it, register it anew, or set it.
    pub(super) changed: u64,
    /// Waits on it that reported something, if it is an instance.
    pub(super) waited: u64,
}

impl Heed {
    /// Sums the calls of these processes on one fd.
    pub(super) fn of(calls: &CallCounts, pids: &[u32], fd: i32) -> Heed {
        let mut heed = Heed::default();
        let of_fd = |row: &&Counted| row.fd == fd && pids.contains(&row.pid);
        for row in calls.calls.iter().filter(of_fd) {
            let done = row.count - row.failed.min(row.count);
            match effect_of(row.number) {
                Effect::Takes => {
                    heed.taken += row.succeeded();
                    heed.ends += row.zero;
                    heed.in_vain += row.again;
                }
                Effect::Puts => heed.put += done - row.again.min(done),
                Effect::Accepts => {
                    // An accepted connection may have the fd 0.
                    heed.accepted += row.succeeded() + row.zero;
                    heed.in_vain += row.again;
                }
                Effect::Ends | Effect::Registers | Effect::Sets => heed.changed += done,
                Effect::Waits => heed.waited += row.succeeded(),
                Effect::Other => {}
            }
        }
        heed
    }

    /// How often something was done that makes the next report another one.
    pub(super) fn total(&self) -> u64 {
        self.taken + self.put + self.accepted + self.changed + self.waited
    }
}
