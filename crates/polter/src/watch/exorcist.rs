//! Removes each ghost when it is made: the *owner* rule, from outside.

use std::time::{Duration, Instant};

use polter_record::MadeGhost;
use polter_scan::{KnownGhost, Outcome, Removal, Remover};

use crate::failure::Failure;

/// How long those are waited for that are under way when the watch ends.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// Ghosts that are being removed.
    under_way: usize,
}

impl Exorcist {
    pub(super) fn start() -> Result<Exorcist, Failure> {
        Ok(Exorcist {
            remover: Remover::start(false)?,
            under_way: 0,
        })
    }

    /// Has a ghost removed.
    pub(super) fn remove(&mut self, made: MadeGhost) {
        self.under_way += 1;
        self.remover.remove(KnownGhost {
            maker: made.maker,
            fd: made.fd,
            events: made.events,
            data: made.data,
            instance: made.instance,
            held_by: made.held_by,
            made: made.made,
        });
    }

    /// What came of ghosts since the last call.
    pub(super) fn done(&mut self) -> Vec<Exorcism> {
        let told = |it: Removal| Exorcism {
            pid: it.ghost.maker,
            fd: it.ghost.fd,
            outcome: it.outcome,
            took: it.took,
        };
        let done: Vec<Exorcism> = self.remover.done().map(told).collect();
        self.under_way -= done.len();
        done
    }

    /// How many are being removed.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Waits a moment for those that are under way.
    pub(super) fn end(&mut self) -> Vec<Exorcism> {
        let end = Instant::now() + PATIENCE;
        let mut told = self.done();
        while self.under_way > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
            told.extend(self.done());
        }
        told
    }
}
