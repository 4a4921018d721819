//! Removes each ghost when it is made: the *owner* rule, from outside.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use polter_record::MadeGhost;
use polter_scan::{KnownGhost, Outcome, Remover};
use rustix::time::{ClockId, clock_gettime};

use crate::failure::Failure;

/// Ghosts that are remembered as removed.
const MAX_REMOVED: usize = 1 << 16;

/// A ghost, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Exorcism {
    /// The process that made it.
    pub(crate) pid: u32,
    /// The fd it was made under.
    pub(crate) fd: i32,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// From the close to the outcome.
    pub(crate) took: Duration,
}

/// Has ghosts removed, and tells what came of each.
pub(super) struct Exorcist {
    remover: Remover,
    /// When the ghosts were made that are being removed, in the order in which they were given.
    under_way: Vec<(KnownGhost, u64)>,
    removed: BTreeSet<(u32, i32)>,
}

impl Exorcist {
    pub(super) fn start() -> Result<Exorcist, Failure> {
        Ok(Exorcist {
            remover: Remover::start(false)?,
            under_way: Vec::new(),
            removed: BTreeSet::new(),
        })
    }

    /// Has a ghost removed.
    pub(super) fn remove(&mut self, made: MadeGhost) {
        let ghost = KnownGhost {
            maker: made.maker,
            fd: made.fd,
            events: made.events,
            data: made.data,
            instance: made.instance,
            held_by: made.held_by,
        };
        self.remover.remove(ghost.clone());
        self.under_way.push((ghost, made.made));
    }

    /// What came of ghosts since the last call.
    pub(super) fn done(&mut self) -> Vec<Exorcism> {
        let done: Vec<_> = self.remover.done().collect();
        let mut told = Vec::new();
        for it in done {
            let at = self
                .under_way
                .iter()
                .position(|(ghost, _)| *ghost == it.ghost);
            let made = at.map_or(0, |at| self.under_way.remove(at).1);
            let ago = it.at.elapsed();
            let took = Duration::from_nanos(monotonic().saturating_sub(made)).saturating_sub(ago);
            if it.outcome == Outcome::Removed {
                if self.removed.len() >= MAX_REMOVED {
                    self.removed.pop_first();
                }
                self.removed.insert((it.ghost.maker, it.ghost.fd));
            }
            told.push(Exorcism {
                pid: it.ghost.maker,
                fd: it.ghost.fd,
                outcome: it.outcome,
                took,
            });
        }
        told
    }

    /// Waits a moment for those that are under way.
    pub(super) fn end(&mut self) -> Vec<Exorcism> {
        let end = Instant::now() + Duration::from_secs(1);
        let mut told = Vec::new();
        while !self.under_way.is_empty() && Instant::now() < end {
            told.extend(self.done());
            std::thread::sleep(Duration::from_millis(1));
        }
        told
    }
}

/// Nanoseconds of the monotonic clock, which the kernel's records have too.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
