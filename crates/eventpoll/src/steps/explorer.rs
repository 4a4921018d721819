//! One thread's way through the states, and the parts that all of them are made of.
//!
//! ```text
//!   Parts      each part that some state has, once          (shared by all threads)
//!     ▲ ▼
//!   Explorer   put(numbers) ▸ step(task) ▸ fingerprint ▸ save ─▶ numbers
//! ```
//!
//! A state is kept as the numbers of its parts: a word each. Being put at a
//! state copies the parts in which it differs from where the explorer was;
//! knowing a state again looks at the parts that a step has written to.

use super::parts::{MAX_PARTS, Part};
use super::{Step, Stepped};
use rustc_hash::FxHashMap;
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

/// A state, and the way to others: of one thread.
#[derive(Debug)]
pub struct Explorer<'a> {
    shared: &'a Parts,
    state: Stepped,
    /// The parts of the state it was put at.
    at: [u32; MAX_PARTS],
    digests: [u64; MAX_PARTS],
    /// Those that were written to since, by the last fingerprint, a bit each.
    changed: u32,
    new_digests: [u64; MAX_PARTS],
    /// This thread's copy of what is shared.
    parts: Vec<Kept>,
    by_digest: FxHashMap<u64, u32>,
}

impl<'a> Explorer<'a> {
    /// Stands at `start`.
    pub fn new(shared: &'a Parts, start: &Stepped) -> Explorer<'a> {
        let mut explorer = Explorer {
            shared,
            state: start.clone(),
            at: [u32::MAX; MAX_PARTS],
            digests: [0; MAX_PARTS],
            changed: 0,
            new_digests: [0; MAX_PARTS],
            parts: Vec::new(),
            by_digest: FxHashMap::default(),
        };
        for place in 0..explorer.width() {
            let digest = explorer.state.digest(place);
            explorer.at[place] = explorer.number(place, digest);
            explorer.digests[place] = digest;
        }
        explorer
    }

    /// How many numbers a state is.
    pub fn width(&self) -> usize {
        self.state.parts()
    }

    /// Where it stands.
    pub fn state(&self) -> &Stepped {
        &self.state
    }

    /// Goes to a state that was saved, by whichever thread.
    pub fn put(&mut self, numbers: &[u32]) {
        let written = self.state.written();
        for (place, number) in numbers.iter().enumerate() {
            if self.at[place] == *number && written & 1 << place == 0 {
                continue;
            }
            if *number as usize >= self.parts.len() {
                self.catch_up();
            }
            let kept = &self.parts[*number as usize];
            self.state.put_part(place, &kept.part);
            self.at[place] = *number;
            self.digests[place] = kept.digest;
        }
        self.changed = 0;
    }

    /// Takes a task one point further.
    pub fn step(&mut self, task: usize) -> Step {
        let step = self.state.step(task);
        if let Step::Found(_) = step {
            self.state.drop_deferred();
        }
        step
    }

    /// [`Stepped::fingerprint`] of where it stands.
    pub fn fingerprint(&mut self) -> u64 {
        self.changed = self.state.written();
        let mut print = 0_u64;
        for place in 0..self.width() {
            let digest = if self.changed & 1 << place == 0 {
                self.digests[place]
            } else {
                self.new_digests[place] = self.state.digest(place);
                self.new_digests[place]
            };
            print = print.wrapping_add(digest);
        }
        print
    }

    /// Keeps the state whose fingerprint was asked for last: adds its numbers.
    pub fn save(&mut self, numbers: &mut Vec<u32>) {
        for place in 0..self.width() {
            let number = if self.changed & 1 << place == 0 {
                self.at[place]
            } else {
                self.number(place, self.new_digests[place])
            };
            numbers.push(number);
        }
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
            let part = self.state.part(place);
            all.weight += part.weight();
            all.parts.push(Kept {
                digest,
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
