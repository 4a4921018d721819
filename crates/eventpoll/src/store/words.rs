//! States as words, for whoever compares whole kernels.

/// A 64-bit value as two words, the lower one first.
pub(crate) fn push_long(words: &mut Vec<u32>, long: u64) {
    words.extend([long as u32, (long >> 32) as u32]);
}
