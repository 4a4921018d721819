//! One thread's way through the states, and the parts that all of them are made of.
//!
//! ```text
//!   Parts      each part that some state has, once          (shared by all threads)
//!   Moves      what steps did                               (shared by all threads)
//!     ▲ ▼
//!   Explorer   look_up(numbers) ─▶ Stand ▸ step(task) ─▶ fingerprint ▸ save(task) ─▶ numbers
//! ```
//!
//! A state is kept as the numbers of its parts: a word each. Mostly the step from
//! it is known, and it is not even made. To make it is to copy the parts in which it
//! differs from the last one made; what a step did is seen by the parts it has written to.

use super::folding::Folding;
use super::moves::{self, Move, Moves};
use super::parts::{MAX_PARTS, Part, RUNNERS};
use super::{Finding, Stand, Step, Stepped};
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

/// Takes steps from states: of one thread.
#[derive(Debug)]
pub struct Explorer<'a> {
    shared: &'a Parts,
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
    /// Begins at `start`.
    pub fn new(shared: &'a Parts, start: &Stepped) -> Explorer<'a> {
        let mut explorer = Explorer {
            shared,
            made: start.clone(),
            made_of: [0; MAX_PARTS],
            parts: Vec::new(),
            by_digest: FxHashMap::default(),
        };
        for place in 0..explorer.width() {
            let digest = explorer.made.digest(place);
            explorer.made_of[place] = explorer.number(place, digest);
            explorer.made.settle(place);
        }
        explorer
    }

    /// The fingerprint and the numbers of the state it has made last.
    pub fn made(&self) -> (u64, &[u32]) {
        (self.made.fingerprint(), &self.made_of[..self.width()])
    }

    /// How many numbers a state is.
    pub fn width(&self) -> usize {
        self.made.parts()
    }

    /// [`Stepped::tasks`].
    pub fn tasks(&self) -> usize {
        self.made.tasks()
    }

    /// Goes to a state that was saved, by whichever thread, and looks its steps up.
    ///
    /// Memory is slow to answer, and does not mind being asked more than one thing: who
    /// has many states to go through looks them up before taking the first step.
    #[inline]
    pub fn look_up(&mut self, stand: &mut Stand, print: u64, numbers: &[u32], moves: &Moves) {
        stand.print = print;
        stand.numbers[..numbers.len()].copy_from_slice(numbers);
        let mut shared = Folding::new(0);
        for number in &numbers[..RUNNERS] {
            shared.write_u32(*number);
        }
        let shared = shared.finish();
        stand.able = 0;
        for task in 0..self.tasks() {
            let runner = numbers[RUNNERS + self.runner_of(task)];
            if !self.kept(runner).is_through {
                let key = moves::key(shared, task, runner);
                stand.able |= 1 << task;
                stand.turns[task].key = key;
                stand.turns[task].known = moves.read(key);
            }
        }
    }

    /// The task itself, or the one whose timer it is.
    fn runner_of(&self, task: usize) -> usize {
        self.made.timer_of(task).unwrap_or(task)
    }

    /// Makes a state.
    pub fn state(&mut self, stand: &Stand) -> &Stepped {
        let written = self.made.written();
        for place in 0..self.width() {
            let number = stand.numbers[place];
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

    /// A task's step one point further.
    #[inline]
    pub fn step(&mut self, stand: &mut Stand, task: usize, moves: &Moves) -> Turn {
        if stand.able & 1 << task == 0 {
            return Turn::Blocked;
        }
        let turn = &mut stand.turns[task];
        if !turn.step.unpack(turn.key, &turn.known)
            && let Err(finding) = self.make_step(stand, task, moves)
        {
            return Turn::Found(finding);
        }
        let step = &stand.turns[task].step;
        match step.is_blocked {
            true => Turn::Blocked,
            false => Turn::To(stand.print.wrapping_add(step.print)),
        }
    }

    /// Takes a step that is not known.
    fn make_step(&mut self, stand: &mut Stand, task: usize, moves: &Moves) -> Result<(), Finding> {
        self.state(stand);
        self.made.runners.look_away();
        let turn = &mut stand.turns[task];
        match self.made.step(task) {
            Step::Found(finding) => {
                self.made.drop_deferred();
                return Err(finding);
            }
            Step::Blocked => turn.step.is_blocked = true,
            Step::Taken => turn.step = self.what_was_done(),
        }
        if !self.made.runners.has_seen_others(self.runner_of(task)) {
            moves.keep(turn.key, &turn.step);
        }
        Ok(())
    }

    /// What a step has changed.
    fn what_was_done(&mut self) -> Move {
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
        step
    }

    /// Adds the numbers of the state that a task's step led to.
    pub fn save(&self, stand: &Stand, task: usize, numbers: &mut Vec<u32>) {
        stand.save(task, self.width(), numbers);
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
