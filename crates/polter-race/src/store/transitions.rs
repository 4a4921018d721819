//! The transition cache: what a step did, looked up instead of taken wherever it would do the same.
//!
//! ```text
//!   shared components, the task's stack  ─▶  the components that change, and by how much the fingerprint does
//! ```
//!
//! One table for all threads, without a lock. A later entry takes the slot of an earlier one; a transition that is
//! lost is computed again. Two threads may write to one slot at a time, and mix their words. Such a slot answers to
//! no key, because its first word covers all the others.

use super::fingerprint::fold;
use super::slots::Slots;
use eventpoll::stepped::Stepped;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The transitions known, as many as fit. A slot holds the key mixed with all other words; what is added to the
/// fingerprint; and the changes.
#[derive(Debug, Default)]
pub struct TransitionCache {
    slots: Slots<{ 2 + WORDS }>,
}

/// Words that hold changes, two changes in each.
const WORDS: usize = 2;

/// The words of a slot, as one thread has read them.
pub(super) type Words = [u64; 2 + WORDS];

/// What a step does to a state.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Transition {
    pub(super) is_blocked: bool,
    /// What is added to the fingerprint.
    pub(super) fingerprint: u64,
    /// The components that change, a bit each.
    pub(super) changed: u32,
    /// Their numbers; anything where nothing changes.
    pub(super) numbers: [u32; Stepped::MAX_COMPONENTS],
}

/// The key of a transition: all that a step's effect follows from.
pub(super) fn key(shared: u64, task: usize, runner: u32) -> u64 {
    fold(shared, (task as u64) << 32 | u64::from(runner))
}

impl TransitionCache {
    /// An empty cache with room for `count` transitions, a power of two.
    pub fn with_room(count: usize) -> TransitionCache {
        TransitionCache {
            slots: Slots::new(count),
        }
    }

    /// How many transitions it has room for.
    pub fn room(&self) -> usize {
        self.slots.count()
    }

    /// The memory that the slots lie in, for advice to the system.
    pub fn memory(&self) -> Range<*const AtomicU64> {
        self.slots.memory()
    }

    /// The bytes it takes.
    pub fn bytes(&self) -> u64 {
        TransitionCache::bytes_of(self.room())
    }

    /// The bytes that so many transitions take.
    pub fn bytes_of(count: usize) -> u64 {
        (count * size_of::<Words>()) as u64
    }

    #[inline]
    fn slot(&self, key: u64) -> Option<&[AtomicU64; 2 + WORDS]> {
        let slots = self.slots.all();
        let last = slots.len().checked_sub(1)?;
        Some(&slots[key as usize & last])
    }

    /// What may be the transition of this key; [`Transition::unpack`] says whether it is.
    #[inline]
    pub(super) fn read(&self, key: u64) -> Words {
        match self.slot(key) {
            Some(slot) => slot.each_ref().map(|word| word.load(Ordering::Relaxed)),
            None => Words::default(),
        }
    }

    /// Keeps a transition, unless it changes more components than a slot holds.
    #[inline]
    pub(super) fn keep(&self, key: u64, new: &Transition) {
        if let Some(slot) = self.slot(key)
            && let Some(mut words) = new.pack()
        {
            words[0] = sealed(key, &words);
            for (slot, word) in slot.iter().zip(words) {
                slot.store(word, Ordering::Relaxed);
            }
        }
    }
}

/// A key mixed with the words that belong to it.
#[inline]
fn sealed(key: u64, words: &Words) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = words[1..].iter().enumerate();
    words.fold(key, |sum, (at, word)| {
        sum.wrapping_add(word.wrapping_mul(FACTOR.rotate_left(8 * at as u32) | 1))
    })
}

const NUMBER_BITS: u32 = 28;
/// No change is this.
const NONE: u32 = u32::MAX;
const BLOCKED: u32 = u32::MAX - 1;

impl Transition {
    /// As words, with the first one left zero.
    fn pack(&self) -> Option<Words> {
        let mut changes = [NONE; 2 * WORDS];
        if self.is_blocked {
            changes[0] = BLOCKED;
        }
        let mut left = if self.is_blocked { 0 } else { self.changed };
        for change in &mut changes {
            if left == 0 {
                break;
            }
            let place = left.trailing_zeros();
            left &= left - 1;
            let number = self.numbers[place as usize];
            if number >> NUMBER_BITS != 0 {
                return None;
            }
            *change = place << NUMBER_BITS | number;
        }
        let mut words = [0; 2 + WORDS];
        words[1] = self.fingerprint;
        for (word, pair) in words[2..].iter_mut().zip(changes.chunks(2)) {
            *word = u64::from(pair[0]) | u64::from(pair[1]) << 32;
        }
        (left == 0).then_some(words)
    }

    /// Becomes the transition of this key, if the words are one.
    #[inline]
    pub(super) fn unpack(&mut self, key: u64, words: &Words) -> bool {
        if words[0] != sealed(key, words) {
            return false;
        }
        self.fingerprint = words[1];
        self.changed = 0;
        self.is_blocked = words[2] as u32 == BLOCKED;
        if self.is_blocked {
            return true;
        }
        for word in &words[2..] {
            for change in [*word as u32, (*word >> 32) as u32] {
                if change == NONE {
                    return true;
                }
                let place = change >> NUMBER_BITS;
                self.changed |= 1 << place;
                self.numbers[place as usize] = change & ((1 << NUMBER_BITS) - 1);
            }
        }
        true
    }
}
