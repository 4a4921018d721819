//! Memory for a large table that is visited at random.
//!
//! The system clears it when it is first written to, by whoever that is: a new
//! table costs nothing until it is used. A slot lies in one cache line, and many
//! slots begin where a large page may.

use std::ops::Range;
use std::sync::atomic::AtomicU64;

/// Slots of so many words each, all zero at first.
#[derive(Debug)]
pub(crate) struct Slots<const WORDS: usize> {
    words: Vec<AtomicU64>,
    /// Where the first slot is.
    first: usize,
}

const LINE: usize = 64;
const LARGE_PAGE: usize = 2 << 20;

impl<const WORDS: usize> Default for Slots<WORDS> {
    fn default() -> Slots<WORDS> {
        Slots {
            words: Vec::new(),
            first: 0,
        }
    }
}

impl<const WORDS: usize> Slots<WORDS> {
    /// Makes `count` slots, all zero; from a large page on, aligned to one.
    pub(crate) fn new(count: usize) -> Slots<WORDS> {
        let align = match count * size_of::<[u64; WORDS]>() {
            ..LARGE_PAGE => LINE,
            _ => LARGE_PAGE,
        };
        let spare = align / size_of::<u64>();
        // Taken over as it is: nothing is written.
        let words = vec![0; count * WORDS + spare].into_iter();
        let mut words: Vec<_> = words.map(AtomicU64::new).collect();
        let first = words.as_ptr().align_offset(align).min(spare);
        words.truncate(first + count * WORDS);
        Slots { words, first }
    }

    /// How many there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    /// Every slot, taken or not.
    #[inline]
    pub(crate) fn all(&self) -> &[[AtomicU64; WORDS]] {
        self.words[self.first..].as_chunks().0
    }

    /// The addresses from the first slot to the end of the last.
    pub(crate) fn memory(&self) -> Range<*const AtomicU64> {
        self.words[self.first..].as_ptr_range()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn every_slot_is_there_cleared_and_in_one_cache_line() {
        for count in [1, 2, 1000, LARGE_PAGE / 32, LARGE_PAGE / 16] {
            let slots = Slots::<4>::new(count);
            assert_eq!((slots.count(), slots.all().len()), (count, count));
            let align = if count < 10_000 { LINE } else { LARGE_PAGE };
            assert!(slots.memory().start.addr().is_multiple_of(align));
            let mut words = slots.all().as_flattened().iter();
            assert!(words.all(|word| word.load(Ordering::Relaxed) == 0));
        }
        assert_eq!(Slots::<2>::default().count(), 0);
    }
}
