//! How much may still be kept, and what was not: counted by several threads.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Room for so many things.
#[derive(Debug)]
pub(crate) struct Room {
    left: AtomicUsize,
    left_out: AtomicU64,
}

impl Room {
    pub(crate) fn new(left: usize) -> Room {
        Room {
            left: AtomicUsize::new(left),
            left_out: AtomicU64::new(0),
        }
    }

    /// Keeps as many as there is room for.
    pub(crate) fn fit<T>(&self, things: &mut Vec<T>) {
        let wanted = things.len();
        let take = |left: usize| Some(left.saturating_sub(wanted));
        let left = self.left.fetch_update(Relaxed, Relaxed, take);
        let kept = wanted.min(left.unwrap_or_default());
        things.truncate(kept);
        self.left_out.fetch_add((wanted - kept) as u64, Relaxed);
    }

    /// What there was no room for.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn what_does_not_fit_is_counted() {
        let room = Room::new(5);
        let fit = |mut things: Vec<u8>| {
            room.fit(&mut things);
            things.len()
        };
        assert_eq!([3, 4, 2].map(|count| fit(vec![0; count])), [3, 2, 0]);
        assert_eq!(room.left_out(), 4);
    }
}
