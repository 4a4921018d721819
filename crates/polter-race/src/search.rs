//! Every state, by breadth: what is found first has the shortest schedule.
//!
//! ```text
//!   level n ──┬─ core 1: each state, each task's step ─┬─▶ new states: level n + 1
//!             └─ core 2: …                              └─▶ known ones: dropped
//! ```
//!
//! A level too big for the memory allowed is finished by depth: all states
//! are covered still, and what is found then may not be the shortest.

use crate::level::{AtWork, Block, Level, Portion, Rounds, Way};
use crate::schedule::Schedule;
use crate::sys;
use crate::visited::{Known, Visited};
use eventpoll::steps::{Explorer, Finding, Moves, Parts, Stand, Stepped, Turn};
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

/// How many states a core takes at a time, at most.
const PORTION: usize = 64;

/// How many of them it looks up at a time, while memory answers.
const ABREAST: usize = 8;

/// How many slots of a table a core copies at a time: their copies fill a large page.
const SLOTS: usize = 1 << 16;

/// Looks at every state that the tasks' steps lead to, up to the bounds.
pub fn search(start: &Stepped, bounds: Bounds, progress: &Progress) -> Report {
    let search = Search {
        bounds,
        progress,
        parts: Parts::default(),
        visited: Visited::new(),
        found: Mutex::default(),
        limit: AtomicUsize::new(0),
    };
    search.run(start);
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
    parts: Parts,
    visited: Visited,
    found: Mutex<Option<Found>>,
    /// An index of [`LIMITS`].
    limit: AtomicUsize,
}

/// What one core has in hand.
struct Hand<'a> {
    core: usize,
    explorer: Explorer<'a>,
    /// The states whose turn it is, and where steps from them led.
    stands: Vec<Stand>,
    led: Vec<Led>,
    /// The new states.
    next: Block,
    states: u64,
    steps: u64,
    endings: u64,
}

/// Where a step led.
struct Led {
    /// Which of the states it is from.
    at: usize,
    task: usize,
    print: u64,
    is_known: bool,
}

impl Search<'_> {
    fn run(&self, start: &Stepped) {
        let first = Explorer::new(&self.parts, start);
        let (print, numbers) = first.made();
        let mut block = Block::default();
        block.push(print, numbers);
        self.visited.known().insert(print, print, 0, 0);
        self.visited.count(1);
        self.progress.states.fetch_add(1, Ordering::Relaxed);
        let cores = self.bounds.cores.max(1);
        let rounds = Rounds::new(first.width(), block, cores, |level| self.way(level));
        std::thread::scope(|scope| {
            for core in 1..cores {
                let rounds = &rounds;
                scope.spawn(move || self.work(core, start, rounds));
            }
            self.work(0, start, &rounds);
        });
    }

    /// One core's part in every level.
    fn work(&self, core: usize, start: &Stepped, rounds: &Rounds) {
        let mut hand = Hand {
            core,
            explorer: Explorer::new(&self.parts, start),
            stands: vec![Stand::default(); ABREAST],
            led: Vec::new(),
            next: Block::default(),
            states: 0,
            steps: 0,
            endings: 0,
        };
        let _at_work = AtWork(rounds);
        while !rounds.is_broken() {
            {
                let level = rounds.level();
                match level.way {
                    Way::Over => return,
                    Way::Growth => self.visited.grow(|slots| rounds.take_any(slots, SLOTS)),
                    Way::Breadth => self.expand(&level, rounds, &mut hand),
                    Way::Depth => self.descend_all(&level, rounds, &mut hand),
                }
                if level.way != Way::Growth {
                    rounds.hand_in(core, &mut hand.next);
                }
            }
            rounds.meet(|level| self.way(level));
        }
    }

    /// What all cores know takes so many bytes, beside the levels.
    fn bytes(&self) -> u64 {
        self.visited.bytes() + self.parts.bytes(self.bounds.cores)
    }

    /// How a level is gone through, if there is one.
    fn way(&self, level: &mut Level) -> Way {
        let depth = level.depth;
        self.visited.end_growth();
        if level.count() == 0 || self.is_over() {
            return Way::Over;
        }
        let known = &self.progress.depth;
        known.fetch_max(depth.into(), Ordering::Relaxed);
        if depth >= self.bounds.steps {
            self.end(Limit::Steps);
            Way::Over
        } else if level.bytes() * 2 + self.bytes() > self.bounds.memory {
            level.moves = Moves::default();
            Way::Depth
        } else {
            self.make_room_for_moves(level);
            self.make_room_for_states(level)
        }
    }

    /// Room for the states that a level leads to, as many as they mostly are at most.
    fn make_room_for_states(&self, level: &mut Level) -> Way {
        if self.visited.has_room(level.count() * 2) {
            Way::Breadth
        } else if level.bytes() * 2 + self.bytes() + self.visited.larger_bytes()
            <= self.bounds.memory
        {
            self.visited.begin_growth();
            Way::Growth
        } else {
            level.moves = Moves::default();
            Way::Depth
        }
    }

    /// Room for moves as there is for states, while memory is plenty.
    fn make_room_for_moves(&self, level: &mut Level) {
        let taken = level.bytes() * 2 + self.bytes();
        let states = self.progress.states.load(Ordering::Relaxed) as usize;
        let room = states.next_power_of_two();
        if states > level.moves.room() * 2
            && taken + Moves::bytes_of(room) <= self.bounds.memory / 4
        {
            level.moves = Moves::with_room(room);
            sys::advise_large_pages(level.moves.memory());
        } else if taken + level.moves.bytes() > self.bounds.memory {
            level.moves = Moves::default();
        }
    }

    /// The next level's states, as far as this core finds them. A level in which something
    /// is found is gone through all the same: what is found does not depend on who was faster.
    fn expand(&self, level: &Level, rounds: &Rounds, hand: &mut Hand) {
        // Small enough at the end for all to be done at about the same time.
        let portion = level.count() / (self.bounds.cores.max(1) * 16);
        let portion = portion.clamp(ABREAST, PORTION);
        while let Some(Portion { core, states }) = rounds.take(level, hand.core, portion)
            && self.limit.load(Ordering::Relaxed) == 0
        {
            let Some(known) = self.with_room(hand) else {
                break;
            };
            for first in states.clone().step_by(ABREAST) {
                let some = first..states.end.min(first + ABREAST);
                let states = some.map(|at| level.state(core, at));
                self.expand_some(states, level.depth + 1, &known, &level.moves, hand);
            }
            drop(known);
            self.count(hand);
        }
    }

    /// The states known, with room for what all cores may find meanwhile. Without
    /// memory for it the search ends.
    fn with_room(&self, hand: &Hand) -> Option<Known<'_>> {
        let tasks = hand.explorer.tasks();
        let more = self.bounds.cores.max(1) * PORTION * tasks;
        let may_take_fn = |bytes| self.bytes() + bytes <= self.bounds.memory;
        let known = self.visited.with_room(more, may_take_fn);
        if known.is_none() {
            self.end(Limit::Memory);
        }
        known
    }

    /// Each task's step from some states, at most [`ABREAST`].
    fn expand_some<'a>(
        &self,
        states: impl Iterator<Item = (u64, &'a [u32])>,
        depth: u32,
        known: &Known<'_>,
        moves: &Moves,
        hand: &mut Hand,
    ) {
        let mut stands = std::mem::take(&mut hand.stands);
        let mut count = 0;
        for (stand, (print, numbers)) in stands.iter_mut().zip(states) {
            hand.explorer.look_up(stand, print, numbers, moves);
            count += 1;
        }
        for (at, stand) in stands[..count].iter_mut().enumerate() {
            self.step_all(at, stand, known, moves, hand);
        }
        // Most are known. All are looked up before the first one is inserted.
        for led in &mut hand.led {
            let from = stands[led.at].print();
            led.is_known = known.knows(led.print, from, led.task, depth);
        }
        for led in hand.led.drain(..).filter(|led| !led.is_known) {
            let stand = &stands[led.at];
            if known.insert(led.print, stand.print(), led.task, depth) {
                hand.states += 1;
                hand.next.add(led.print, &hand.explorer, stand, led.task);
            }
        }
        hand.stands = stands;
    }

    /// Each task's step from one state.
    fn step_all(
        &self,
        at: usize,
        stand: &mut Stand,
        known: &Known<'_>,
        moves: &Moves,
        hand: &mut Hand,
    ) {
        let mut has_moved = false;
        for task in 0..hand.explorer.tasks() {
            match hand.explorer.step(stand, task, moves) {
                Turn::Blocked => continue,
                Turn::Found(finding) => self.note(known, stand.print(), Some(task), finding),
                Turn::To(print) => hand.led.push(Led {
                    at,
                    task,
                    print,
                    is_known: false,
                }),
            }
            has_moved = true;
            hand.steps += 1;
        }
        if !has_moved {
            hand.endings += 1;
            if let Some(finding) = hand.explorer.state(stand).ending() {
                self.note(known, stand.print(), None, finding);
            }
        }
    }

    /// What is left, by depth: it needs no memory for a level.
    fn descend_all(&self, level: &Level, rounds: &Rounds, hand: &mut Hand) {
        while let Some(Portion { core, states }) = rounds.take(level, hand.core, 1)
            && !self.is_over()
        {
            for at in states {
                let (print, numbers) = level.state(core, at);
                self.descend(print, numbers, level.depth, &level.moves, hand);
            }
        }
    }

    fn descend(&self, print: u64, numbers: &[u32], depth: u32, moves: &Moves, hand: &mut Hand) {
        let mut depths = vec![depth];
        let mut stack = Block::default();
        stack.push(print, numbers);
        let mut count = 0_u32;
        while let Some(depth) = depths.pop() {
            let (print, numbers) = stack.pop(numbers.len());
            if depth >= self.bounds.steps {
                self.end(Limit::Steps);
                continue;
            }
            self.count(hand);
            if count.is_multiple_of(64) {
                if self.bytes() > self.bounds.memory {
                    self.end(Limit::Memory);
                }
                if self.is_over() {
                    return;
                }
            }
            let progress = &self.progress.depth;
            progress.fetch_max(depth.into(), Ordering::Relaxed);
            let Some(known) = self.with_room(hand) else {
                return;
            };
            let state = std::iter::once((print, &numbers[..]));
            self.expand_some(state, depth + 1, &known, moves, hand);
            drop(known);
            depths.resize(depths.len() + hand.next.len(), depth + 1);
            stack.append(&mut hand.next);
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
        self.visited.count(new as usize);
        let states = progress.states.fetch_add(new, Ordering::Relaxed) + new;
        if states > self.bounds.states {
            self.end(Limit::States);
        }
        if progress.is_stopped() {
            self.end(Limit::Stopped);
        }
    }

    fn note(&self, known: &Known<'_>, from: u64, task: Option<usize>, finding: Finding) {
        let mut schedule = known.path_to(from);
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
