//! Numbers the registrations of one fd, from 0 in the order of the tree.
//!
//! `kcmp(KCMP_EPOLL_TFD)` names a registration so: by its fd and its offset among those of that fd.

use rustc_hash::FxHashMap;

/// Fds below this are counted by one bit each. A map for all of them would cost more than reading
/// the text, and hardly any fd has two registrations.
const BY_BIT: usize = 1 << 20;

/// Counts the registrations of each fd.
#[derive(Debug, Default)]
pub(crate) struct Occurrences {
    /// A bit for each fd that was met.
    met: Vec<u64>,
    /// How often an fd was met: kept from its second time on, or from its first if it has no bit.
    counts: FxHashMap<i32, u32>,
}

impl Occurrences {
    /// Which one this is of the registrations of `fd`.
    pub(crate) fn next(&mut self, fd: i32) -> u32 {
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
    use super::{BY_BIT, Occurrences};

    #[test]
    fn each_fd_is_counted_by_itself() {
        check(&[5, 6, 5, 5, 6, 0], &[0, 0, 1, 2, 1, 0]);
    }

    #[test]
    fn fds_without_a_bit_are_counted_too() {
        let far = BY_BIT as i32;
        check(
            &[far, i32::MAX, far, far - 1, far, -1, -1],
            &[0, 0, 1, 0, 2, 0, 1],
        );
    }

    #[track_caller]
    fn check(fds: &[i32], expected: &[u32]) {
        let mut occurrences = Occurrences::default();
        let counted: Vec<u32> = fds.iter().map(|fd| occurrences.next(*fd)).collect();
        assert_eq!(counted, expected);
    }
}
