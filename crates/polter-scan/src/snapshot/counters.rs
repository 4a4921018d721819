//! Counters of a process's threads, to compare two moments.
//!
//! A look at a sleeping thread shows nothing of the time between two looks. Its counters do: if
//! none has moved, the thread did not run in between.

use std::collections::BTreeMap;
use std::time::Duration;

/// CPU time is billed a tick at a time, to the kernel or to the program. Of fewer ticks than
/// this, one that fell into a call by chance would look like a share.
const TELLING_TICKS: f64 = 10.0;

/// A program that only computes is in the kernel for interrupts, and now and then for a call:
/// two ticks in thirty fell there once in ten thousand windows.
const LEAST_KERNEL_TICKS: f64 = 4.0;

/// The counters of each thread of a process, by tid.
pub(crate) type Threads = BTreeMap<u32, Counters>;

/// A thread's counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Time on a CPU and time it waited for one, in nanoseconds.
    pub(crate) wanted_ns: u64,
    /// How often it came to a CPU; 0 if the kernel does not count.
    pub(crate) arrivals: u64,
    /// Ticks in the program itself.
    pub(crate) user_ticks: u64,
    /// Ticks in the kernel.
    pub(crate) kernel_ticks: u64,
    /// True if a signal or a tracer has stopped it.
    pub(crate) is_stopped: bool,
}

/// True if no thread of a process came to a CPU between two moments, nor could have: none was
/// made, ended or stopped.
///
/// A stopped thread does not run, but once it is let go it may be in any call: that is not sleep.
pub(crate) fn has_slept(before: Option<&Threads>, after: Option<&Threads>) -> bool {
    let is_still = |it: &Counters| it.arrivals > 0 && !it.is_stopped;
    before.is_some() && before == after && before.is_some_and(|it| it.values().all(is_still))
}

/// Of the busiest thread, the share of the window in which it was on a CPU or wanted one, and
/// the kernel's share of its time.
pub(crate) fn busiest(
    before: Option<&Threads>,
    after: Option<&Threads>,
    window: Duration,
) -> (f64, f64) {
    let (Some(before), Some(after)) = (before, after) else {
        return (0.0, 0.0);
    };
    let share = |(tid, after): (&u32, &Counters)| {
        let before = before.get(tid)?;
        let wanted = after.wanted_ns.saturating_sub(before.wanted_ns);
        let user = after.user_ticks.saturating_sub(before.user_ticks) as f64;
        let kernel = after.kernel_ticks.saturating_sub(before.kernel_ticks) as f64;
        let in_kernel = if user + kernel >= TELLING_TICKS && kernel >= LEAST_KERNEL_TICKS {
            kernel / (user + kernel)
        } else {
            0.0
        };
        Some((wanted as f64 / window.as_nanos().max(1) as f64, in_kernel))
    };
    let shares = after.iter().filter_map(share);
    shares
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or((0.0, 0.0))
}
