//! Levels: the states of one depth, which several cores go through together.

use eventpoll::steps::{Explorer, Moves, Stand};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// Some states: the fingerprint of each, and the numbers of its parts.
#[derive(Debug, Default)]
pub(crate) struct Block {
    prints: Vec<u64>,
    numbers: Vec<u32>,
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        self.prints.len()
    }

    /// Where a task's step led to.
    pub(crate) fn add(&mut self, print: u64, explorer: &Explorer, from: &Stand, task: usize) {
        self.prints.push(print);
        explorer.save(from, task, &mut self.numbers);
    }

    pub(crate) fn push(&mut self, print: u64, numbers: &[u32]) {
        self.prints.push(print);
        self.numbers.extend_from_slice(numbers);
    }

    /// Takes the last one out; there must be one.
    pub(crate) fn pop(&mut self, width: usize) -> (u64, Vec<u32>) {
        let print = self.prints.pop().expect("a state is left");
        let numbers = self.numbers.split_off(self.numbers.len() - width);
        (print, numbers)
    }

    pub(crate) fn append(&mut self, other: &mut Block) {
        self.prints.append(&mut other.prints);
        self.numbers.append(&mut other.numbers);
    }

    fn clear(&mut self) {
        self.prints.clear();
        self.numbers.clear();
    }
}

/// How a level is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Breadth,
    /// Not yet: first the known states get more room.
    Growth,
    /// The next level would not fit.
    Depth,
    /// Not at all: the search has ended.
    Over,
}

/// The states of one depth.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) depth: u32,
    pub(crate) way: Way,
    width: usize,
    blocks: Vec<Block>,
    /// What steps did.
    pub(crate) moves: Moves,
}

impl Level {
    pub(crate) fn count(&self) -> usize {
        self.blocks.iter().map(Block::len).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.count() * (size_of::<u64>() + self.width * size_of::<u32>())) as u64
    }

    /// The `at`-th state.
    pub(crate) fn state(&self, mut at: usize) -> (u64, &[u32]) {
        for block in &self.blocks {
            if at < block.len() {
                let numbers = &block.numbers[at * self.width..][..self.width];
                return (block.prints[at], numbers);
            }
            at -= block.len();
        }
        unreachable!("portions end with the level")
    }
}

/// What the cores share.
pub(crate) struct Rounds {
    level: RwLock<Level>,
    /// The first state that nobody has taken.
    next: AtomicUsize,
    /// What was found of the next level.
    found: Mutex<Vec<Block>>,
    /// Blocks that are done with: their memory is used again.
    spare: Mutex<Vec<Block>>,
    cores: usize,
    /// How many have come to the end of the level.
    waiting: AtomicUsize,
    /// How many levels have ended.
    round: AtomicUsize,
    is_broken: AtomicBool,
}

/// How often somebody who waits looks before giving the processor away.
const LOOKS: usize = 1 << 10;

impl Rounds {
    /// Before the first level, which is this block.
    pub(crate) fn new(
        width: usize,
        first: Block,
        cores: usize,
        way_fn: impl FnOnce(&mut Level) -> Way,
    ) -> Rounds {
        let mut level = Level {
            depth: 0,
            way: Way::Over,
            width,
            blocks: vec![first],
            moves: Moves::default(),
        };
        level.way = way_fn(&mut level);
        Rounds {
            level: RwLock::new(level),
            next: AtomicUsize::new(0),
            found: Mutex::default(),
            spare: Mutex::default(),
            cores,
            waiting: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
        }
    }

    /// The level under way.
    pub(crate) fn level(&self) -> RwLockReadGuard<'_, Level> {
        self.level.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For one core: some of what there are so many of.
    pub(crate) fn take(&self, count: usize, portion: usize) -> Option<Range<usize>> {
        let first = self.next.fetch_add(portion, Ordering::Relaxed);
        (first < count).then(|| first..count.min(first + portion))
    }

    /// What a core has found of the next level; it gets an empty block.
    pub(crate) fn hand_in(&self, block: &mut Block) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let full = std::mem::replace(block, spare.pop().unwrap_or_default());
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(full);
    }

    /// Waits until all have come. The last one makes what was handed in the level under way
    /// (if the one before is done with), and decides with `way_fn` how it is gone through, before any of them goes on.
    pub(crate) fn meet(&self, way_fn: impl FnOnce(&mut Level) -> Way) {
        let round = self.round.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.cores {
            let mut level = self.level.write().unwrap_or_else(PoisonError::into_inner);
            if level.way != Way::Growth {
                self.go_on(&mut level);
            }
            self.next.store(0, Ordering::Relaxed);
            level.way = way_fn(&mut level);
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

    /// What was handed in is the level under way.
    fn go_on(&self, level: &mut Level) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut level.blocks, &mut found);
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.extend(found.drain(..).map(|mut block| {
            block.clear();
            block
        }));
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
