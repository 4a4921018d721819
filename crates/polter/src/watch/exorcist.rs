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
}

impl Exorcist {
    pub(super) fn start() -> Result<Exorcist, Failure> {
        Ok(Exorcist {
            remover: Remover::start(false)?,
        })
    }

    /// Has a ghost removed, from any thread.
    pub(super) fn remove_fn(&self) -> impl FnMut(MadeGhost) + Send + 'static {
        let queue = self.remover.queue();
        move |made: MadeGhost| {
            queue.remove(KnownGhost {
                maker: made.maker,
                others: made.others,
                fd: made.fd,
                events: made.events,
                data: made.data,
                instance: made.instance,
                held_by: made.held_by,
                made: made.made,
            });
        }
    }

    /// What came of ghosts since the last call.
    pub(super) fn done(&mut self) -> Vec<Exorcism> {
        let told = |it: Removal| Exorcism {
            pid: it.ghost.maker,
            fd: it.ghost.fd,
            outcome: it.outcome,
            took: it.took,
        };
        self.remover.done().map(told).collect()
    }

    /// How many are being removed.
    pub(super) fn under_way(&self) -> usize {
        self.remover.under_way()
    }

    /// Waits a moment for those that are under way.
    pub(super) fn end(&mut self) -> Vec<Exorcism> {
        let end = Instant::now() + PATIENCE;
        let mut told = self.done();
        while self.remover.under_way() > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
            told.extend(self.done());
        }
        told
    }
}
