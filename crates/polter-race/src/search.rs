//! Every state, by breadth: what is found first has the shortest schedule.
//!
//! ```text
//!   level n ──┬─ core 1: each state, each task's step ─┬─▶ new states: level n + 1
//!             └─ core 2: …                              └─▶ known ones: dropped
//! ```
//!
//! A level too big for the memory allowed is finished by depth: all states
//! are covered still, and what is found then may not be the shortest.

use crate::schedule::Schedule;
use crate::visited::Visited;
use eventpoll::steps::{Finding, Step, Stepped};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most states.
    pub states: u64,
    /// The longest schedule.
    pub steps: u32,
    /// The most memory, in bytes.
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

/// Something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Whose turn it was.
    pub schedule: Schedule,
    /// What it was.
    pub finding: Finding,
}

/// What a search has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Covered {
    /// Different states.
    pub states: u64,
    /// Steps from one to another.
    pub steps: u64,
    /// States in which nobody could go on.
    pub endings: u64,
    /// The longest schedule.
    pub depth: u32,
}

/// A bound that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Bounds::states`].
    States,
    /// [`Bounds::steps`].
    Steps,
    /// [`Bounds::memory`].
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

/// Below so many states a level is not worth a second core.
const SMALL_LEVEL: usize = 512;
/// How many states a core takes at a time.
const PORTION: usize = 32;

/// Looks at every state that the tasks' steps lead to, up to the bounds.
pub fn search(start: &Stepped, bounds: Bounds, progress: &Progress) -> Report {
    let search = Search {
        bounds,
        progress,
        visited: Visited::new(),
        found: Mutex::default(),
        limit: AtomicUsize::new(0),
    };
    let first = start.fingerprint();
    search.visited.insert(first, first, 0, 0);
    progress.states.fetch_add(1, Ordering::Relaxed);
    search.by_breadth(start);
    let found = search.found.into_inner();
    Report {
        found: found.unwrap_or_else(PoisonError::into_inner),
        covered: progress.covered(),
        limit: LIMITS[search.limit.into_inner()],
    }
}

const LIMITS: [Option<Limit>; 5] = [
    None,
    Some(Limit::States),
    Some(Limit::Steps),
    Some(Limit::Memory),
    Some(Limit::Stopped),
];

struct Search<'a> {
    bounds: Bounds,
    progress: &'a Progress,
    visited: Visited,
    found: Mutex<Option<Found>>,
    /// An index of [`LIMITS`].
    limit: AtomicUsize,
}

/// A state to go on from, with its fingerprint.
type Node = (u64, Box<Stepped>);

/// What one core has in hand.
#[derive(Default)]
#[expect(
    clippy::vec_box,
    reason = "nodes change hands often, and a state is large"
)]
struct Hand {
    /// The new states.
    next: Vec<Node>,
    /// States that are done with: their memory is used again.
    spare: Vec<Box<Stepped>>,
    states: u64,
    steps: u64,
    endings: u64,
}

impl Search<'_> {
    fn by_breadth(&self, start: &Stepped) {
        let mut level = vec![(start.fingerprint(), Box::new(start.clone()))];
        let mut hands: Vec<Hand> = (0..self.bounds.cores.max(1))
            .map(|_| Hand::default())
            .collect();
        let mut depth = 0;
        while !level.is_empty() && !self.is_over() {
            self.progress.depth.store(depth.into(), Ordering::Relaxed);
            if depth >= self.bounds.steps {
                self.end(Limit::Steps);
                break;
            }
            let bytes = level.len() as u64 * level[0].1.size() as u64 * 2;
            if bytes + self.visited.bytes() > self.bounds.memory {
                self.by_depth(level, depth, &mut hands);
                break;
            }
            level = self.expand(level, depth + 1, &mut hands);
            depth += 1;
        }
    }

    /// The level after this one.
    fn expand(&self, level: Vec<Node>, depth: u32, hands: &mut [Hand]) -> Vec<Node> {
        let size = level.len();
        if size < SMALL_LEVEL || hands.len() == 1 {
            let hand = &mut hands[0];
            for node in level {
                self.expand_one(node, depth, hand);
            }
            self.count(hand);
            return std::mem::take(&mut hand.next);
        }
        let portions = portions(level);
        std::thread::scope(|scope| {
            for hand in &mut *hands {
                scope.spawn(|| {
                    while let Some(portion) = take(&portions)
                        && !self.is_over()
                    {
                        for node in portion {
                            self.expand_one(node, depth, hand);
                        }
                        self.count(hand);
                    }
                });
            }
        });
        let mut next = Vec::with_capacity(size);
        for hand in hands {
            next.append(&mut hand.next);
        }
        next
    }

    /// Each task's step from one state.
    fn expand_one(&self, (from, mut state): Node, depth: u32, hand: &mut Hand) {
        let tasks = state.tasks();
        let can = (0..tasks).filter(|task| state.can_step(*task));
        let able = can.fold(0_u32, |able, task| able | 1 << task);
        let mut has_moved = false;
        let original = (able.count_ones() > 1).then(|| {
            let mut copy = hand.spare.pop().unwrap_or_else(|| state.clone());
            copy.copy_from(&state);
            copy
        });
        let mut is_first = true;
        for task in (0..tasks).filter(|task| able & 1 << task != 0) {
            if !std::mem::take(&mut is_first)
                && let Some(original) = &original
            {
                state.copy_from(original);
            }
            match state.step(task) {
                Step::Blocked => continue,
                Step::Found(finding) => self.note(from, Some(task), finding),
                Step::Taken => {
                    let print = state.fingerprint();
                    if self.visited.insert(print, from, task, depth) {
                        hand.states += 1;
                        let spare = hand.spare.pop();
                        let fresh = spare.unwrap_or_else(|| state.clone());
                        hand.next
                            .push((print, std::mem::replace(&mut state, fresh)));
                    }
                }
            }
            has_moved = true;
            hand.steps += 1;
        }
        if !has_moved {
            hand.endings += 1;
            let end = original.as_ref().unwrap_or(&state);
            if let Some(finding) = end.ending() {
                self.note(from, None, finding);
            }
        }
        hand.spare.push(state);
        hand.spare.extend(original);
        hand.spare.truncate(1 << 12);
    }

    /// What is left, by depth: it needs no memory for a level.
    fn by_depth(&self, level: Vec<Node>, depth: u32, hands: &mut [Hand]) {
        let portions = portions(level);
        std::thread::scope(|scope| {
            for hand in &mut *hands {
                scope.spawn(|| {
                    while let Some(portion) = take(&portions)
                        && !self.is_over()
                    {
                        for node in portion {
                            self.descend(node, depth, hand);
                        }
                    }
                });
            }
        });
    }

    fn descend(&self, node: Node, depth: u32, hand: &mut Hand) {
        let mut stack = vec![(depth, node)];
        let mut count = 0_u32;
        while let Some((depth, node)) = stack.pop() {
            if depth >= self.bounds.steps {
                self.end(Limit::Steps);
                continue;
            }
            if count.is_multiple_of(64) {
                self.count(hand);
                if self.visited.bytes() > self.bounds.memory {
                    self.end(Limit::Memory);
                }
                if self.is_over() {
                    return;
                }
            }
            let progress = &self.progress.depth;
            progress.fetch_max(depth.into(), Ordering::Relaxed);
            self.expand_one(node, depth + 1, hand);
            stack.extend(hand.next.drain(..).map(|node| (depth + 1, node)));
            count += 1;
        }
        self.count(hand);
    }

    fn count(&self, hand: &mut Hand) {
        let progress = self.progress;
        progress
            .steps
            .fetch_add(std::mem::take(&mut hand.steps), Ordering::Relaxed);
        progress
            .endings
            .fetch_add(std::mem::take(&mut hand.endings), Ordering::Relaxed);
        let new = std::mem::take(&mut hand.states);
        let states = progress.states.fetch_add(new, Ordering::Relaxed) + new;
        if states > self.bounds.states {
            self.end(Limit::States);
        }
        if progress.is_stopped() {
            self.end(Limit::Stopped);
        }
    }

    fn note(&self, from: u64, task: Option<usize>, finding: Finding) {
        let mut schedule = self.visited.path_to(from);
        schedule.extend(task.map(|task| task as u8));
        let schedule = Schedule(schedule);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let is_better = found.as_ref().is_none_or(|known| {
            (schedule.0.len(), &schedule) < (known.schedule.0.len(), &known.schedule)
        });
        if is_better {
            *found = Some(Found { schedule, finding });
        }
    }

    fn end(&self, limit: Limit) {
        let index = LIMITS.iter().position(|known| *known == Some(limit));
        let index = index.expect("every limit is listed");
        // The first one counts.
        let _ = self
            .limit
            .compare_exchange(0, index, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Something was found, or a bound was met.
    fn is_over(&self) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.is_some() || self.limit.load(Ordering::Relaxed) != 0
    }
}

fn portions(level: Vec<Node>) -> Mutex<Vec<Vec<Node>>> {
    let mut portions = Vec::with_capacity(level.len() / PORTION + 1);
    let mut level = level.into_iter();
    loop {
        let portion: Vec<Node> = level.by_ref().take(PORTION).collect();
        if portion.is_empty() {
            return Mutex::new(portions);
        }
        portions.push(portion);
    }
}

fn take(portions: &Mutex<Vec<Vec<Node>>>) -> Option<Vec<Node>> {
    let mut portions = portions.lock().unwrap_or_else(PoisonError::into_inner);
    portions.pop()
}
