//! The states known, and how each was reached first.
//!
//! A state is known by its fingerprint. The step that led to it is kept, so
//! that a shortest schedule can be read off backwards. Among steps of the same
//! length the least is kept: what is found does not depend on which core was faster.

use std::hash::BuildHasherDefault;
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 64;

/// How a state was reached: from where, by whose step, and after how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reached {
    depth: u32,
    from: u64,
    task: u8,
}

/// Fingerprints are as good as random already.
#[derive(Debug, Clone, Copy, Default)]
struct AsIs(u64);

impl std::hash::Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("fingerprints are whole words")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

type Shard = std::collections::HashMap<u64, Reached, BuildHasherDefault<AsIs>>;

/// The states known.
#[derive(Debug)]
pub(crate) struct Visited {
    shards: Vec<Mutex<Shard>>,
}

impl Visited {
    pub(crate) fn new() -> Visited {
        Visited {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// True if the state was not known.
    pub(crate) fn insert(&self, state: u64, from: u64, task: usize, depth: u32) -> bool {
        let reached = Reached {
            depth,
            from,
            task: task as u8,
        };
        let shard = &self.shards[(state >> 58) as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        match shard.entry(state) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(reached);
                true
            }
            std::collections::hash_map::Entry::Occupied(mut known) => {
                if reached < *known.get() {
                    known.insert(reached);
                }
                false
            }
        }
    }

    /// Whose steps led to a state.
    pub(crate) fn path_to(&self, state: u64) -> Vec<u8> {
        let mut path = Vec::new();
        let mut at = state;
        while let Some(reached) = self.reached(at).filter(|reached| reached.depth > 0) {
            path.push(reached.task);
            at = reached.from;
        }
        path.reverse();
        path
    }

    fn reached(&self, state: u64) -> Option<Reached> {
        let shard = &self.shards[(state >> 58) as usize % SHARDS];
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(&state).copied()
    }

    /// The memory it takes, roughly.
    pub(crate) fn bytes(&self) -> u64 {
        let slot = size_of::<(u64, Reached)>() as u64 + 1;
        let capacities = self.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.capacity() as u64 * 8 / 7
        });
        capacities.sum::<u64>() * slot
    }
}
