//! Which, of the registrations of one number: the n-th row of a number is what the kernel
//! calls offset n.

use rustc_hash::FxHashMap;

/// Numbers that are counted by a bit each: few have more, and hardly any has two registrations.
const BY_BIT: usize = 1 << 20;

/// Counts the registrations of each number.
#[derive(Debug, Default)]
pub(crate) struct Nth {
    /// Numbers that were met.
    met: Vec<u64>,
    /// How often, if more than once or by no bit.
    counts: FxHashMap<i32, u32>,
}

impl Nth {
    /// Which one this is, the first being 0.
    pub(crate) fn of(&mut self, fd: i32) -> u32 {
        let at = usize::try_from(fd).ok().filter(|at| *at < BY_BIT);
        if let Some(at) = at {
            let (word, bit) = (at / 64, 1 << (at % 64));
            if self.met.len() <= word {
                self.met.resize(word + 1, 0);
            }
            if self.met[word] & bit == 0 {
                self.met[word] |= bit;
                return 0;
            }
        }
        // The first was counted by its bit.
        let count = self.counts.entry(fd).or_insert(u32::from(at.is_some()));
        *count += 1;
        *count - 1
    }
}

#[cfg(test)]
mod tests {
    use super::{BY_BIT, Nth};

    #[test]
    fn each_number_is_counted_by_itself() {
        check(&[5, 6, 5, 5, 6, 0], &[0, 0, 1, 2, 1, 0]);
    }

    #[test]
    fn numbers_without_a_bit_are_counted_too() {
        let far = BY_BIT as i32;
        check(
            &[far, i32::MAX, far, far - 1, far, -1, -1],
            &[0, 0, 1, 0, 2, 0, 1],
        );
    }

    #[track_caller]
    fn check(fds: &[i32], expected: &[u32]) {
        let mut nth = Nth::default();
        let counted: Vec<u32> = fds.iter().map(|fd| nth.of(*fd)).collect();
        assert_eq!(counted, expected);
    }
}
