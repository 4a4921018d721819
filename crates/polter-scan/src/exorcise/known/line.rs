//! The ghosts that wait for their removal, and those that are asked about again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::super::plan::Outcome;
use super::batch;
use super::{KnownGhost, Removal};
use crate::sys::Lasting;

/// Ghosts that are removed together.
const AT_ONCE: usize = 64;

/// When a ghost is asked about again that was still live: its close had only begun.
const AGAIN: [Duration; 4] = [
    Duration::from_micros(200),
    Duration::from_millis(2),
    Duration::from_millis(20),
    Duration::from_millis(200),
];

/// Removes what is wanted until nobody wants anything more.
pub(super) fn work(
    wanted: &Receiver<KnownGhost>,
    tell: &Sender<Removal>,
    mut apart: Lasting,
    fresh: Duration,
) {
    let mut later: Vec<Waiting> = Vec::new();
    let mut is_over = false;
    while !is_over || !later.is_empty() {
        let next = later.iter().map(|it| it.due).min();
        let wait = next.map_or(Duration::from_secs(3600), |due| {
            due.saturating_duration_since(Instant::now())
        });
        let mut batch = Vec::new();
        if is_over {
            thread::sleep(wait);
        } else {
            match wanted.recv_timeout(wait) {
                Ok(ghost) => batch.push(Waiting::new(ghost)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => is_over = true,
            }
        }
        batch.extend(wanted.try_iter().take(AT_ONCE - 1).map(Waiting::new));
        let now = Instant::now();
        batch.extend(later.extract_if(.., |it| it.due <= now));
        if batch.is_empty() {
            continue;
        }
        let ghosts: Vec<&KnownGhost> = batch.iter().map(|it| &it.ghost).collect();
        let outcomes = batch::remove(&ghosts, &mut apart, fresh);
        later.extend(settle(batch, outcomes, tell));
    }
}

/// A ghost, how often it was live, and when it is asked about again.
struct Waiting {
    ghost: KnownGhost,
    tries: usize,
    due: Instant,
}

impl Waiting {
    fn new(ghost: KnownGhost) -> Waiting {
        Waiting {
            ghost,
            tries: 0,
            due: Instant::now(),
        }
    }
}

/// Tells what came of a batch; gives back those that are asked about again.
fn settle(
    batch: Vec<Waiting>,
    outcomes: Vec<(Outcome, u64)>,
    tell: &Sender<Removal>,
) -> Vec<Waiting> {
    let mut again = Vec::new();
    for (it, (outcome, at)) in batch.into_iter().zip(outcomes) {
        let pause = AGAIN.get(it.tries).filter(|_| outcome == Outcome::Live);
        if let Some(pause) = pause {
            again.push(Waiting {
                tries: it.tries + 1,
                due: Instant::now() + *pause,
                ghost: it.ghost,
            });
            continue;
        }
        let took = Duration::from_nanos(at.saturating_sub(it.ghost.made));
        // Nobody may listen any more.
        let _ = tell.send(Removal {
            ghost: it.ghost,
            outcome,
            took,
        });
    }
    again
}
