//! The tasks that lines were written of, and those of them whose end was lost.
//!
//! ```text
//!   a loss ─▶ which of them are not there? ─▶ suspects ─▶ all is read that was recorded before ─▶ ended
//! ```
//! Without this, whoever reads the lines keeps the tables of processes for ever that have ended long ago.

use std::path::Path;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use rustix::time::{ClockId, clock_gettime};

use crate::kernel::{Record, What};

/// How often it is asked who is there, while records are lost.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is asked after a loss: whoever has ended stays until its parent has waited for it.
const LOOKS: u32 = 4;

/// What was recorded so long ago, in nanoseconds, was read if nothing is left to read.
const SETTLED: u64 = 100_000_000;

/// Follows who was born and who has ended.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    known: FxHashSet<u32>,
    /// The task of the last record: it is known.
    last: u32,
    /// The time of the newest record.
    newest: u64,
    /// Records that were lost so far.
    lost: u32,
    /// How often it is still to be asked who is there.
    looks: u32,
    looked: Option<Instant>,
    /// Those that are not there, though no record says so. Their ends may be in the ring.
    suspects: FxHashSet<u32>,
    /// When they were looked for.
    suspected: u64,
}

impl Tasks {
    /// Knows tasks that were there before the first record.
    pub(crate) fn know(&mut self, tids: impl Iterator<Item = u32>) {
        self.known.extend(tids);
    }

    /// Follows a record.
    pub(crate) fn follow(&mut self, record: &Record<'_>) {
        let head = &record.head;
        self.newest = self.newest.max(head.time);
        if head.lost != self.lost {
            (self.lost, self.looks) = (head.lost, LOOKS);
        }
        if head.tid != self.last {
            self.last = head.tid;
            self.is_there(head.tid);
        }
        let Some(call) = &record.call else {
            return;
        };
        match head.what {
            What::Fork => self.is_there(call.arguments[0] as u32),
            What::Gone => {
                self.known.remove(&head.tid);
                self.suspects.remove(&head.tid);
                self.last = 0;
            }
            _ => {}
        }
    }

    /// The time of the newest record.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// The tasks whose end was lost. `is_empty` says that all was read that is recorded.
    pub(crate) fn ended(&mut self, is_empty: bool) -> Vec<u32> {
        self.ended_but(is_empty, is_there)
    }

    /// The same, with the answer to who is there.
    fn ended_but(&mut self, is_empty: bool, is_there_fn: impl Fn(u32) -> bool) -> Vec<u32> {
        if !self.suspects.is_empty() {
            let is_settled = is_empty && monotonic() > self.suspected + SETTLED;
            if !is_settled && self.newest <= self.suspected {
                return Vec::new();
            }
            let mut ended: Vec<u32> = self.suspects.drain().collect();
            ended.sort_unstable();
            for tid in &ended {
                self.known.remove(tid);
            }
            self.last = 0;
            return ended;
        }
        let is_early = self.looked.is_some_and(|it| it.elapsed() < LOOK);
        if self.looks > 0 && !is_early {
            self.looks -= 1;
            self.suspected = monotonic();
            let gone = self.known.iter().filter(|tid| !is_there_fn(**tid));
            self.suspects = gone.copied().collect();
            self.looked = Some(Instant::now());
        }
        Vec::new()
    }

    fn is_there(&mut self, tid: u32) {
        self.known.insert(tid);
        if !self.suspects.is_empty() {
            self.suspects.remove(&tid);
        }
    }
}

/// True if a task has this number.
fn is_there(tid: u32) -> bool {
    Path::new(&format!("/proc/{tid}")).exists()
}

/// Nanoseconds of the monotonic clock, as records have them.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Body, Call, Head};

    /// Many are born and end unseen, and nothing is kept of them.
    #[test]
    fn those_whose_end_was_lost_are_forgotten() {
        let mut tasks = Tasks::default();
        let mut ended = 0;
        for round in 1..=1000_u32 {
            for child in 0..100 {
                tasks.follow(&born(1, round * 100 + child, round));
            }
            tasks.looked = None;
            assert_eq!(tasks.ended_but(true, |tid| tid == 1), Vec::<u32>::new());
            tasks.suspected = 0;
            ended += tasks.ended_but(true, |tid| tid == 1).len();
            assert!(tasks.known.len() <= 1, "{round}: {}", tasks.known.len());
        }
        assert_eq!(ended, 100_000);
    }

    #[test]
    fn an_end_that_is_in_the_ring_is_not_told_before() {
        let mut tasks = Tasks::default();
        tasks.follow(&born(1, 7, 5));
        assert_eq!(tasks.ended_but(false, |_| false), Vec::<u32>::new());
        // Records of before are still to be read.
        assert_eq!(tasks.ended_but(false, |_| false), Vec::<u32>::new());
        let mut gone = born(7, 0, 5);
        gone.head.what = What::Gone;
        tasks.follow(&gone);
        tasks.suspected = 0;
        assert_eq!(tasks.ended_but(true, |_| false), [1]);
        assert!(tasks.known.is_empty());
    }

    #[test]
    fn without_a_loss_nobody_is_asked() {
        let mut tasks = Tasks::default();
        tasks.follow(&born(1, 7, 0));
        for _ in 0..2 {
            assert!(tasks.ended_but(true, |_| false).is_empty());
        }
        assert_eq!(tasks.known.len(), 2);
    }

    fn born(parent: u32, child: u32, lost: u32) -> Record<'static> {
        let head = Head {
            time: 0,
            file: 0,
            result: 0,
            pid: parent,
            tid: parent,
            what: What::Fork,
            number: 0,
            fd: -1,
            lost,
            references: 0,
        };
        let call = Call {
            arguments: [child.into(), child.into(), 0, 0, 0, 0],
            is_cut: false,
            body: Body::Bytes(&[]),
        };
        Record {
            head,
            call: Some(call),
        }
    }
}
