//! Chance that can be had again: the numbers follow from a seed alone.

/// A source of numbers. The generator is splitmix64.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    /// The rng of one program among those of a seed.
    pub(crate) fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end.max(1)
    }

    /// True so many times in a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them; they must not be none.
    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())]
    }

    /// One of them, each as often as its weight says.
    pub(crate) fn weigh<T: Copy>(&mut self, among: &[(usize, T)]) -> T {
        let total = among.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, one) in among {
            if left < *weight {
                return *one;
            }
            left -= weight;
        }
        unreachable!("the number is below the sum of the weights")
    }
}

/// The seed of one program: two programs of one seed, or the same of two seeds, share nothing.
pub(crate) fn seed_of(seed: u64, index: u64) -> u64 {
    let mut rng = Rng::new(seed);
    let start = rng.next();
    Rng::new(start ^ index.wrapping_mul(0xd6e8_feb8_6659_fd93)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_follow_from_the_seed() {
        let numbers = |seed| {
            let mut rng = Rng::new(seed);
            [rng.below(1000), rng.below(1000), rng.below(1000)]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        assert_ne!(seed_of(1, 2), seed_of(2, 1));
    }

    #[test]
    fn a_weight_of_zero_is_never_picked() {
        let mut rng = Rng::new(1);
        assert!((0..1000).all(|_| rng.weigh(&[(0, false), (3, true)])));
    }
}
