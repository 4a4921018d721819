//! The components that stored states are made of, each kept once for all threads.

use eventpoll::stepped::Component;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The components of all states that were saved, each kept once and recognised by its 64-bit digest.
#[derive(Debug, Default)]
pub struct ComponentStore {
    all: Mutex<Numbered>,
}

#[derive(Debug, Default)]
pub(super) struct Numbered {
    pub(super) components: Vec<Kept>,
    pub(super) by_digest: FxHashMap<u64, u32>,
    /// The bytes that the components take.
    pub(super) weight: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) digest: u64,
    /// It belongs to a task that takes no further step.
    pub(super) is_finished: bool,
    pub(super) component: Arc<Component>,
}

impl ComponentStore {
    pub(super) fn lock(&self) -> MutexGuard<'_, Numbered> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many components there are.
    pub fn count(&self) -> usize {
        self.lock().components.len()
    }

    /// The bytes they take, with what each of so many explorers keeps of them.
    pub fn bytes(&self, explorers: usize) -> u64 {
        let entry = size_of::<Kept>() + size_of::<(u64, u32)>();
        let all = self.lock();
        (all.weight + all.components.len() * entry * (explorers + 1)) as u64
    }
}
