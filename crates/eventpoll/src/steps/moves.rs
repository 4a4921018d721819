//! Moves: what a step did, known again wherever it does the same.
//!
//! ```text
//!   kernel, ledger, the task's stack  ─▶  the parts that change, and how the fingerprint does
//! ```
//!
//! A table for all threads, without a lock: who comes later takes the slot, and
//! a move that is lost is made again. A slot to which two threads write at a
//! time answers to no key: all of its words go into the first one.

use super::folding::fold;
use super::parts::MAX_PARTS;
use super::slots::Slots;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The moves known, as many as there is room for: the key and all other words
/// in one; what is added to the fingerprint; changes.
#[derive(Debug, Default)]
pub struct Moves {
    slots: Slots<{ 2 + WORDS }>,
}

/// Words of changes, two in each.
const WORDS: usize = 2;

/// A slot as it was at some time.
pub(super) type Words = [u64; 2 + WORDS];

/// What a step does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Move {
    pub(super) is_blocked: bool,
    /// What is added to the fingerprint.
    pub(super) print: u64,
    /// The parts that become others, a bit each.
    pub(super) changed: u32,
    /// Their numbers; anything where nothing changes.
    pub(super) numbers: [u32; MAX_PARTS],
}

/// By what a move is known again.
pub(super) fn key(shared: u64, task: usize, runner: u32) -> u64 {
    fold(shared, (task as u64) << 32 | u64::from(runner))
}

impl Moves {
    /// None, and room for so many: a power of two.
    pub fn with_room(moves: usize) -> Moves {
        Moves {
            slots: Slots::new(moves),
        }
    }

    /// For how many there is room.
    pub fn room(&self) -> usize {
        self.slots.count()
    }

    /// Where they lie.
    pub fn memory(&self) -> Range<*const AtomicU64> {
        self.slots.memory()
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> u64 {
        Moves::bytes_of(self.room())
    }

    /// Bytes that so many take.
    pub fn bytes_of(moves: usize) -> u64 {
        (moves * size_of::<Words>()) as u64
    }

    #[inline]
    fn slot(&self, key: u64) -> Option<&[AtomicU64; 2 + WORDS]> {
        let slots = self.slots.all();
        let last = slots.len().checked_sub(1)?;
        Some(&slots[key as usize & last])
    }

    /// What may be a move of this key; [`Move::unpack`] says whether it is.
    #[inline]
    pub(super) fn read(&self, key: u64) -> Words {
        match self.slot(key) {
            Some(slot) => slot.each_ref().map(|word| word.load(Ordering::Relaxed)),
            None => Words::default(),
        }
    }

    /// Keeps a move, if it fits.
    #[inline]
    pub(super) fn keep(&self, key: u64, new: &Move) {
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

/// A key, and what belongs to it.
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

impl Move {
    /// As words, the first one left out.
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
        words[1] = self.print;
        for (word, pair) in words[2..].iter_mut().zip(changes.chunks(2)) {
            *word = u64::from(pair[0]) | u64::from(pair[1]) << 32;
        }
        (left == 0).then_some(words)
    }

    /// Becomes the move of this key, if the words are that.
    #[inline]
    pub(super) fn unpack(&mut self, key: u64, words: &Words) -> bool {
        if words[0] != sealed(key, words) {
            return false;
        }
        self.print = words[1];
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
