//! Every state, by breadth: what is found first has the shortest schedule.
//!
//! ```text
//!   level n ──┬─ core 1: each state, each task's step ─┬─▶ new states: level n + 1
//!             └─ core 2: …                              └─▶ known ones: dropped
//! ```
//!
//! A level too big for the memory allowed is finished by depth: all states
//! are covered still, and what is found then may not be the shortest.

mod level;
mod visited;
mod worker;

use crate::schedule::Schedule;
use eventpoll::stepped::{Finding, Stepped};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The search ends when it has met so many different states.
    pub states: u64,
    /// No schedule is followed further than so many steps.
    pub steps: u32,
    /// What the stored states may take together, in bytes.
    pub memory: u64,
    /// On how many cores.
    pub cores: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            states: 50_000_000,
            steps: 10_000,
            memory: 2 << 30,
            cores: 1,
        }
    }
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What went wrong, if anything did.
    pub found: Option<Found>,
    /// What was looked at.
    pub covered: Covered,
    /// The bound that ended it; nothing if every state was seen.
    pub limit: Option<Limit>,
}

/// A fault, and how to come to it from the start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Whose turn it was, step by step.
    pub schedule: Schedule,
    /// What went wrong at the end of it.
    pub finding: Finding,
}

/// What a search has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// Different states that were met.
    pub states: u64,
    /// Steps from one to another.
    pub steps: u64,
    /// States in which nobody could go on.
    pub endings: u64,
    /// The steps of the longest schedule that was followed.
    pub depth: u32,
}

/// A bound that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// There are more states than [`Bounds::states`].
    States,
    /// Some schedule is longer than [`Bounds::steps`].
    Steps,
    /// The states take more than [`Bounds::memory`].
    Memory,
    /// Somebody has asked it to stop.
    Stopped,
}

/// How far a search is, for whoever watches it; and a way to end it.
#[derive(Debug, Default)]
pub struct Progress {
    states: AtomicU64,
    steps: AtomicU64,
    endings: AtomicU64,
    depth: AtomicU64,
    is_stopped: AtomicBool,
}

impl Progress {
    /// What was looked at up to now.
    pub fn covered(&self) -> Covered {
        Covered {
            states: self.states.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
            endings: self.endings.load(Ordering::Relaxed),
            depth: self.depth.load(Ordering::Relaxed) as u32,
        }
    }

    /// Ends the search with what was covered so far.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// True if it was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

/// Looks at every state that the tasks' steps lead to, up to the bounds.
pub fn search(start: &Stepped, bounds: Bounds, progress: &Progress) -> Report {
    let search = worker::Search::new(bounds, progress);
    search.run(start);
    let (found, limit) = search.finish();
    Report {
        found,
        covered: progress.covered(),
        limit,
    }
}
