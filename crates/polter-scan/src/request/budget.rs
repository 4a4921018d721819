//! How much may still be kept, shared by the threads that read.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A number of things that may still be kept, and how many were not.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
    left_out: AtomicU64,
}

impl Budget {
    pub(crate) fn new(left: usize) -> Budget {
        Budget {
            left: AtomicUsize::new(left),
            left_out: AtomicU64::new(0),
        }
    }

    /// Cuts `things` to what the budget allows, and takes that off the budget.
    pub(crate) fn fit<T>(&self, things: &mut Vec<T>) {
        let wanted = things.len();
        let take = |left: usize| Some(left.saturating_sub(wanted));
        let left = self.left.fetch_update(Relaxed, Relaxed, take);
        let kept = wanted.min(left.unwrap_or_default());
        things.truncate(kept);
        self.left_out.fetch_add((wanted - kept) as u64, Relaxed);
    }

    /// How many things were cut off.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn what_does_not_fit_is_counted() {
        let budget = Budget::new(5);
        let fit = |mut things: Vec<u8>| {
            budget.fit(&mut things);
            things.len()
        };
        assert_eq!([3, 4, 2].map(|count| fit(vec![0; count])), [3, 2, 0]);
        assert_eq!(budget.left_out(), 4);
    }
}
