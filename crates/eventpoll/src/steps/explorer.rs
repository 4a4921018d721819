//! One thread's way through the states, and the parts that all of them are made of.
//!
//! ```text
//!   Parts      each part that some state has, once          (shared by all threads)
//!   Moves      what steps did                               (shared by all threads)
//!     ▲ ▼
//!   Explorer   put(numbers) ▸ step(task) ─▶ fingerprint ▸ save(task) ─▶ numbers
//! ```
//!
//! A state is kept as the numbers of its parts: a word each. Mostly the step from
//! it is known, and it is not even made. To make it is to copy the parts in which it
//! differs from the last one made; what a step did is seen by the parts it has written to.

use super::folding::Folding;
use super::moves::{self, Move, Moves, Words};
use super::parts::{MAX_PARTS, Part, RUNNERS};
use super::{Finding, Step, Stepped};
use rustc_hash::FxHashMap;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The parts of all states that were saved, each once; a part is known again by 64 bits.
#[derive(Debug, Default)]
pub struct Parts {
    all: Mutex<Numbered>,
}

#[derive(Debug, Default)]
struct Numbered {
    parts: Vec<Kept>,
    by_digest: FxHashMap<u64, u32>,
    /// Bytes that the parts take.
    weight: usize,
}

#[derive(Debug, Clone)]
struct Kept {
    digest: u64,
    /// A task that takes no step any more.
    is_through: bool,
    part: Arc<Part>,
}

impl Parts {
    fn lock(&self) -> MutexGuard<'_, Numbered> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lock().parts.len()
    }

    /// Bytes they take, with what each of so many explorers keeps of them.
    pub fn bytes(&self, explorers: usize) -> u64 {
        let entry = size_of::<Kept>() + size_of::<(u64, u32)>();
        let all = self.lock();
        (all.weight + all.parts.len() * entry * (explorers + 1)) as u64
    }
}

const MAX_TURNS: usize = Explorer::MAX_TURNS;

/// A state, and the steps from it: of one thread.
#[derive(Debug)]
pub struct Explorer<'a> {
    shared: &'a Parts,
    /// Where it stands: the fingerprint, and the numbers of the parts.
    print: u64,
    numbers: [u32; MAX_PARTS],
    /// Those that are not through, a bit each.
    able: u32,
    /// Each task's step from there: its key, what may be known of it, and what it does.
    keys: [u64; MAX_TURNS],
    known: [Words; MAX_TURNS],
    steps: [Move; MAX_TURNS],
    /// A state that was made, and the numbers of its parts.
    made: Stepped,
    made_of: [u32; MAX_PARTS],
    /// This thread's copy of what is shared.
    parts: Vec<Kept>,
    by_digest: FxHashMap<u64, u32>,
}

/// What a task's step leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It cannot be taken now.
    Blocked,
    /// A state with this fingerprint.
    To(u64),
    /// Something went wrong in it.
    Found(Finding),
}

impl<'a> Explorer<'a> {
    /// No state has more tasks and timers.
    pub const MAX_TURNS: usize = 2 * Stepped::MAX_TASKS;

    /// Stands at `start`.
    pub fn new(shared: &'a Parts, start: &Stepped) -> Explorer<'a> {
        let mut explorer = Explorer {
            shared,
            print: 0,
            numbers: [0; MAX_PARTS],
            able: 0,
            keys: [0; MAX_TURNS],
            known: [Words::default(); MAX_TURNS],
            steps: [Move::default(); MAX_TURNS],
            made: start.clone(),
            made_of: [0; MAX_PARTS],
            parts: Vec::new(),
            by_digest: FxHashMap::default(),
        };
        for place in 0..explorer.width() {
            let digest = explorer.made.digest(place);
            explorer.made_of[place] = explorer.number(place, digest);
        }
        let numbers = explorer.made_of;
        explorer.put(
            start.fingerprint(),
            &numbers[..explorer.width()],
            &Moves::default(),
        );
        explorer
    }

    /// How many numbers a state is.
    pub fn width(&self) -> usize {
        self.made.parts()
    }

    /// [`Stepped::tasks`].
    pub fn tasks(&self) -> usize {
        self.made.tasks()
    }

    /// The fingerprint and the numbers of where it stands.
    pub fn place(&self) -> (u64, &[u32]) {
        (self.print, &self.numbers[..self.width()])
    }

    /// Goes to a state that was saved, by whichever thread.
    ///
    /// Looks up every task's step at once: memory is slow to answer, and does not mind
    /// being asked more than one thing.
    #[inline]
    pub fn put(&mut self, print: u64, numbers: &[u32], moves: &Moves) {
        self.print = print;
        self.numbers[..numbers.len()].copy_from_slice(numbers);
        let mut shared = Folding::new(0);
        for number in &numbers[..RUNNERS] {
            shared.write_u32(*number);
        }
        let shared = shared.finish();
        self.able = 0;
        for task in 0..self.tasks() {
            let runner = numbers[RUNNERS + self.runner_of(task)];
            if !self.kept(runner).is_through {
                self.able |= 1 << task;
                self.keys[task] = moves::key(shared, task, runner);
                self.known[task] = moves.read(self.keys[task]);
            }
        }
    }

    /// The task itself, or the one whose timer it is.
    fn runner_of(&self, task: usize) -> usize {
        self.made.timer_of(task).unwrap_or(task)
    }

    /// Where it stands.
    pub fn state(&mut self) -> &Stepped {
        let written = self.made.written();
        for place in 0..self.width() {
            let number = self.numbers[place];
            if self.made_of[place] == number && written & 1 << place == 0 {
                continue;
            }
            if number as usize >= self.parts.len() {
                self.catch_up();
            }
            let part = &self.parts[number as usize].part;
            self.made.put_part(place, part);
            self.made_of[place] = number;
        }
        &self.made
    }

    /// Takes a task one point further, and stays where it stands.
    #[inline]
    pub fn step(&mut self, task: usize, moves: &Moves) -> Turn {
        if self.able & 1 << task == 0 {
            return Turn::Blocked;
        }
        let (key, known) = (self.keys[task], &self.known[task]);
        if !self.steps[task].unpack(key, known)
            && let Err(finding) = self.make_step(task, moves)
        {
            return Turn::Found(finding);
        }
        let step = &self.steps[task];
        match step.is_blocked {
            true => Turn::Blocked,
            false => Turn::To(self.print.wrapping_add(step.print)),
        }
    }

    /// Takes a step that is not known.
    fn make_step(&mut self, task: usize, moves: &Moves) -> Result<(), Finding> {
        self.state();
        self.made.runners.look_away();
        match self.made.step(task) {
            Step::Found(finding) => {
                self.made.drop_deferred();
                return Err(finding);
            }
            Step::Blocked => self.steps[task].block(),
            Step::Taken => self.look_at_step(task),
        }
        if !self.made.runners.has_seen_others(self.runner_of(task)) {
            moves.keep(self.keys[task], &self.steps[task]);
        }
        Ok(())
    }

    /// What a step has changed.
    fn look_at_step(&mut self, task: usize) {
        let mut step = Move::default();
        let mut written = self.made.written();
        while written != 0 {
            let place = written.trailing_zeros() as usize;
            written &= written - 1;
            let old = self.parts[self.made_of[place] as usize].digest;
            let digest = self.made.digest(place);
            if digest != old {
                let number = self.number(place, digest);
                step.print = step.print.wrapping_add(digest.wrapping_sub(old));
                step.changed |= 1 << place;
                step.numbers[place] = number;
                self.made_of[place] = number;
            }
            self.made.settle(place);
        }
        self.steps[task] = step;
    }

    /// Adds the numbers of the state that a task's step led to.
    pub fn save(&self, task: usize, numbers: &mut Vec<u32>) {
        let from = numbers.len();
        numbers.extend_from_slice(&self.numbers[..self.width()]);
        let step = &self.steps[task];
        let mut changed = step.changed;
        while changed != 0 {
            let place = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            numbers[from + place] = step.numbers[place];
        }
    }

    #[inline]
    fn kept(&mut self, number: u32) -> &Kept {
        if number as usize >= self.parts.len() {
            self.catch_up();
        }
        &self.parts[number as usize]
    }

    /// The number of a part of the state.
    fn number(&mut self, place: usize, digest: u64) -> u32 {
        if let Some(number) = self.by_digest.get(&digest) {
            return *number;
        }
        let mut all = self.shared.lock();
        let next = all.parts.len() as u32;
        let number = *all.by_digest.entry(digest).or_insert(next);
        if number == next {
            let part = self.made.part(place);
            let is_through = self.made.part_is_through(place);
            all.weight += part.weight();
            all.parts.push(Kept {
                digest,
                is_through,
                part: Arc::new(part),
            });
        }
        drop(all);
        self.catch_up();
        number
    }

    /// Learns of the parts that other threads have added.
    fn catch_up(&mut self) {
        let all = self.shared.lock();
        for kept in &all.parts[self.parts.len()..] {
            self.by_digest.insert(kept.digest, self.parts.len() as u32);
            self.parts.push(kept.clone());
        }
    }
}
