//! The one CPU that a guest stays on.
//!
//! Its kernel and its processes take turns, several thousand times a second: two of them never run at
//! once. Left alone, the host wakes each on another CPU, and wakes that CPU first.

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Starts something while this thread is kept where it is; what is started stays there.
pub(crate) fn on_one_cpu<T>(start_fn: impl FnOnce() -> T) -> T {
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    let before = sched_getaffinity(None);
    let is_pinned = before.is_ok() && sched_setaffinity(None, &here).is_ok();
    let started = start_fn();
    if is_pinned && let Ok(before) = before {
        // Those CPUs may be gone meanwhile; then this thread stays here, too.
        let _ = sched_setaffinity(None, &before);
    }
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_has_one_cpu_and_the_starter_all_of_its_own() {
        let before = sched_getaffinity(None).expect("the own CPUs can be read");
        let inside = on_one_cpu(|| sched_getaffinity(None).expect("the own CPUs can be read"));
        assert_eq!(inside.count(), 1);
        assert!(sched_getaffinity(None).is_ok_and(|after| after == before));
    }
}
