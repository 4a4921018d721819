//! Fingerprints: 64-bit hashes by which components, and whole states, are recognised.
//!
//! A state's fingerprint is the *sum* of its components' digests, so a step changes it by the components that it
//! wrote to. Two different states share one by an accident of one in 2⁶⁴ for each pair.

use eventpoll::stepped::Stepped;
use std::hash::Hasher;

/// Packs small values into 64-bit words, then multiplies and folds each word.
///
/// A kernel's state is mostly small numbers: one multiplication for eight of them is what makes this faster than
/// the general hashers that were measured beside it.
#[derive(Debug, Clone)]
pub(super) struct Folding {
    folded: u64,
    /// The word that is not full yet, and how many of its bits are.
    word: u64,
    filled: u32,
}

/// Takes a word into what is folded already.
#[inline]
pub(super) fn fold(folded: u64, word: u64) -> u64 {
    let product = u128::from(folded ^ word) * 0xd6e8_feb8_6659_fd93;
    (product as u64) ^ ((product >> 64) as u64) ^ folded.rotate_left(23)
}

/// A component's share of its state's fingerprint.
pub(crate) fn digest(state: &Stepped, place: usize) -> u64 {
    let mut hasher = Folding::new(place);
    state.hash_component(place, &mut hasher);
    hasher.finish()
}

/// The fingerprint of a state.
pub fn fingerprint(state: &Stepped) -> u64 {
    let digests = (0..state.components()).map(|place| digest(state, place));
    digests.fold(0, u64::wrapping_add)
}

impl Folding {
    /// A seed of its own for each kind of thing.
    pub(super) fn new(seed: usize) -> Folding {
        Folding {
            folded: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed as u64 + 1),
            word: 0,
            filled: 0,
        }
    }

    #[inline]
    fn fold(&mut self, word: u64) {
        self.folded = fold(self.folded, word);
    }

    #[inline]
    fn push(&mut self, bits: u64, count: u32) {
        if self.filled + count > 64 {
            self.fold(self.word);
            (self.word, self.filled) = (0, 0);
        }
        self.word |= bits << self.filled;
        self.filled += count;
    }

    /// Mostly below 255; what is not is marked and folded whole.
    #[inline]
    fn push_small(&mut self, word: u64) {
        if word < 0xff {
            self.push(word, 8);
        } else {
            self.push(0xff, 8);
            self.write_u64(word);
        }
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        let mut last = self.clone();
        last.fold(last.word);
        last.fold(u64::from(last.filled) ^ 0x5851_f42d_4c95_7f2d);
        last.folded
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.push(word.into(), 8);
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.push(word.into(), 16);
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.push(word.into(), 32);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.push(word & 0xffff_ffff, 32);
        self.push(word >> 32, 32);
    }

    /// Lengths and discriminants: nearly always small.
    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.push_small(word as u64);
    }

    /// Which variant of an enum.
    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.push_small(word.cast_unsigned() as u64);
    }
}
