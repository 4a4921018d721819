//! Maps a function over many items, by as many threads as there are CPUs.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Threads at most: more of them only wait for the kernel's locks.
const MAX_THREADS: usize = 8;

/// The results, in the order of the items.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, map_fn: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads_for(items.len());
    if threads < 2 {
        return items.into_iter().map(map_fn).collect();
    }
    let left = Mutex::new(items.into_iter().enumerate());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut done = Vec::new();
        while let Some((at, item)) = next() {
            done.push((at, map_fn(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The results in any order. Each thread begins at another place and goes on from there, because
/// items that stand side by side would wait for each other, such as questions about one instance.
pub(crate) fn map_apart<T: Send, R: Send>(items: Vec<T>, map_fn: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads_for(items.len()).max(1);
    let far = items.len().div_ceil(threads).max(1);
    let mut items: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    items.sort_by_key(|(at, _)| at % far);
    map(items, |(_, item)| map_fn(item))
}

fn threads_for(items: usize) -> usize {
    let cpus = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cpus.min(items).min(MAX_THREADS)
}

#[cfg(test)]
mod tests {
    use super::{map, map_apart};

    #[test]
    fn what_is_done_apart_is_done_once_each() {
        for count in [0, 1, 2, 7, 1000] {
            let mut done = map_apart((0..count).collect(), |item: u64| item);
            done.sort_unstable();
            assert!(done.into_iter().eq(0..count));
        }
    }

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        check(0);
        check(1);
        check(1000);
    }

    #[track_caller]
    fn check(count: u64) {
        let expected: Vec<u64> = (0..count).map(|item| item * item).collect();
        assert_eq!(map((0..count).collect(), |item: u64| item * item), expected);
    }
}
