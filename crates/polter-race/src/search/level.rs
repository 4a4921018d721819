//! Levels: the frontier of a breadth-first search, the states of one depth, which several cores expand together.
//!
//! Each core begins with the states it has found itself: they and their components are in its own cache.

use crate::store::{Explorer, State, TransitionCache};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// Some states: the fingerprint of each, and the numbers of its components.
#[derive(Debug, Default)]
pub(crate) struct Block {
    fingerprints: Vec<u64>,
    numbers: Vec<u32>,
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        self.fingerprints.len()
    }

    /// Where a task's step led to.
    pub(crate) fn add(&mut self, fingerprint: u64, explorer: &Explorer, from: &State, task: usize) {
        self.fingerprints.push(fingerprint);
        explorer.save(from, task, &mut self.numbers);
    }

    pub(crate) fn push(&mut self, fingerprint: u64, numbers: &[u32]) {
        self.fingerprints.push(fingerprint);
        self.numbers.extend_from_slice(numbers);
    }

    /// Takes the last one out; there must be one.
    pub(crate) fn pop(&mut self, width: usize) -> (u64, Vec<u32>) {
        let fingerprint = self.fingerprints.pop().expect("a state is left");
        let numbers = self.numbers.split_off(self.numbers.len() - width);
        (fingerprint, numbers)
    }

    pub(crate) fn append(&mut self, other: &mut Block) {
        self.fingerprints.append(&mut other.fingerprints);
        self.numbers.append(&mut other.numbers);
    }

    fn clear(&mut self) {
        self.fingerprints.clear();
        self.numbers.clear();
    }
}

/// How a level is expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    Breadth,
    /// Not yet: the table of known states grows first.
    Growth,
    /// By depth, because the next level would not fit in memory.
    Depth,
    /// Not at all: the search is over.
    Over,
}

/// The states of one depth.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) depth: u32,
    pub(crate) plan: Plan,
    width: usize,
    /// What each core has found.
    blocks: Vec<Block>,
    /// Steps that are looked up instead of taken.
    pub(crate) transitions: TransitionCache,
}

impl Level {
    pub(crate) fn count(&self) -> usize {
        self.blocks.iter().map(Block::len).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.count() * (size_of::<u64>() + self.width * size_of::<u32>())) as u64
    }

    /// One of a core's own states.
    pub(crate) fn state(&self, core: usize, at: usize) -> (u64, &[u32]) {
        let block = &self.blocks[core];
        let numbers = &block.numbers[at * self.width..][..self.width];
        (block.fingerprints[at], numbers)
    }
}

/// What the cores share.
pub(crate) struct Rounds {
    level: RwLock<Level>,
    /// The first of each core's states that nobody has taken.
    next: Vec<AtomicUsize>,
    /// What each core has found of the next level.
    found: Vec<Mutex<Block>>,
    /// How many have come to the end of the level.
    waiting: AtomicUsize,
    /// How many levels have ended.
    round: AtomicUsize,
    is_broken: AtomicBool,
}

/// Some of the states that one core has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Who has found them, and not who takes them.
    pub(crate) core: usize,
    pub(crate) states: Range<usize>,
}

/// How often a waiting core looks before it yields the processor.
const LOOKS: usize = 1 << 10;

impl Rounds {
    /// Before the first level, which is this block.
    pub(crate) fn new(
        width: usize,
        first: Block,
        cores: usize,
        plan_fn: impl FnOnce(&mut Level) -> Plan,
    ) -> Rounds {
        let mut blocks = vec![first];
        blocks.resize_with(cores, Block::default);
        let mut level = Level {
            depth: 0,
            plan: Plan::Over,
            width,
            blocks,
            transitions: TransitionCache::default(),
        };
        level.plan = plan_fn(&mut level);
        Rounds {
            level: RwLock::new(level),
            next: (0..cores).map(|_| AtomicUsize::new(0)).collect(),
            found: (0..cores).map(|_| Mutex::default()).collect(),
            waiting: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
        }
    }

    /// The level under plan.
    pub(crate) fn level(&self) -> RwLockReadGuard<'_, Level> {
        self.level.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some states for a core: its own first, which are in its cache, and then those that others have found.
    pub(crate) fn take(&self, level: &Level, core: usize, most: usize) -> Option<Portion> {
        let cores = self.next.len();
        (core..core + cores).find_map(|core| {
            let core = core % cores;
            let count = level.blocks[core].len();
            let states = self.take_of(core, count, most)?;
            Some(Portion { core, states })
        })
    }

    /// Claims up to `most` of `count` items; the owner does not matter.
    pub(crate) fn take_any(&self, count: usize, most: usize) -> Option<Range<usize>> {
        self.take_of(0, count, most)
    }

    fn take_of(&self, core: usize, count: usize, most: usize) -> Option<Range<usize>> {
        let next = &self.next[core];
        if next.load(Ordering::Relaxed) >= count {
            return None;
        }
        let first = next.fetch_add(most, Ordering::Relaxed);
        (first < count).then(|| first..count.min(first + most))
    }

    /// What a core has found of the next level; it gets an empty block.
    pub(crate) fn hand_in(&self, core: usize, block: &mut Block) {
        let mut found = self.found[core]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(block, &mut found);
    }

    /// Waits until all have come. The last one makes what was handed in the level under plan,
    /// if the one before is done with, and decides with `plan_fn` how it is gone through,
    /// before any of them goes on.
    pub(crate) fn meet(&self, plan_fn: impl FnOnce(&mut Level) -> Plan) {
        let round = self.round.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.next.len() {
            let mut level = self.level.write().unwrap_or_else(PoisonError::into_inner);
            if level.plan != Plan::Growth {
                self.go_on(&mut level);
            }
            for next in &self.next {
                next.store(0, Ordering::Relaxed);
            }
            level.plan = plan_fn(&mut level);
            drop(level);
            self.waiting.store(0, Ordering::Relaxed);
            self.round.store(round + 1, Ordering::Release);
            return;
        }
        let mut looks = 0;
        while self.round.load(Ordering::Acquire) == round && !self.is_broken() {
            if looks < LOOKS {
                looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// A core has ended in a panic: nobody waits for it.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// What was handed in is the level under plan. What was that is done with: its memory is
    /// used again.
    fn go_on(&self, level: &mut Level) {
        for (block, found) in level.blocks.iter_mut().zip(&self.found) {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            block.clear();
            std::mem::swap(block, &mut found);
        }
        level.depth += 1;
    }
}

/// Held by a core at work: a panic on one ends the others.
pub(crate) struct AtWork<'a>(pub(crate) &'a Rounds);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_takes_its_own_states_first_and_each_is_taken_once() {
        let rounds = Rounds::new(1, Block::default(), 2, |_| Plan::Breadth);
        for (core, states) in [(0, 5), (1, 3)] {
            let mut block = Block::default();
            (0..states).for_each(|at| block.push(core as u64 + 1, &[at]));
            rounds.hand_in(core, &mut block);
            assert_eq!(block.len(), 0);
        }
        rounds.waiting.store(1, Ordering::Relaxed);
        rounds.meet(|_| Plan::Breadth);
        let level = rounds.level();
        assert_eq!((level.count(), level.depth), (8, 1));
        let mut taken = Vec::new();
        while let Some(Portion { core, states }) = rounds.take(&level, 1, 2) {
            taken.extend(states.map(|at| level.state(core, at)));
        }
        let own = [(2, &[0][..]), (2, &[1]), (2, &[2])];
        let others = (0..5).map(|at| (1, vec![at]));
        let others: Vec<_> = others.collect();
        let others = others
            .iter()
            .map(|(fingerprint, numbers)| (*fingerprint, &numbers[..]));
        assert_eq!(taken, own.into_iter().chain(others).collect::<Vec<_>>());
        assert_eq!(rounds.take(&level, 0, 2), None);
    }
}
