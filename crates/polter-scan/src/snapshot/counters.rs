//! Counters of a process's threads, to compare two moments.
//!
//! A look at a sleeping thread shows nothing of the time between two looks. Its counters do: if
//! none has moved, the thread did not run in between.

use std::collections::BTreeMap;
use std::time::Duration;

/// CPU time is billed a tick at a time, to the kernel or to the program. Of fewer ticks than
/// this, one that fell into a call by chance would look like a share.
const TELLING_TICKS: f64 = 10.0;

/// The counters of each thread of a process, by tid.
pub type Threads = BTreeMap<u32, Counters>;

/// A thread's counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Time on a CPU and time it waited for one, in nanoseconds.
    pub wanted_ns: u64,
    /// How often it came to a CPU; 0 if the kernel does not count.
    pub arrivals: u64,
    /// Ticks in the program itself.
    pub user_ticks: u64,
    /// Ticks in the kernel.
    pub kernel_ticks: u64,
    /// True if a signal or a tracer has stopped it.
    pub is_stopped: bool,
}

/// True if no thread of a process came to a CPU between two moments, nor could have: none was
/// made, ended or stopped.
///
/// A stopped thread does not run, but once it is let go it may be in any call: that is not sleep.
pub(crate) fn has_slept(before: Option<&Threads>, after: Option<&Threads>) -> bool {
    let is_still = |it: &Counters| it.arrivals > 0 && !it.is_stopped;
    before.is_some() && before == after && before.is_some_and(|it| it.values().all(is_still))
}

/// The busiest thread of a process in a window.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Busiest {
    /// The share of the window in which it was on a CPU or wanted one.
    pub(crate) busy: f64,
    /// The kernel's share of its time.
    pub(crate) in_kernel: f64,
    /// The ticks in the kernel that this share comes from.
    pub(crate) kernel_ticks: u64,
}

/// Compares the counters of a process's threads before and after a window.
pub(crate) fn busiest(
    before: Option<&Threads>,
    after: Option<&Threads>,
    window: Duration,
) -> Busiest {
    let (Some(before), Some(after)) = (before, after) else {
        return Busiest::default();
    };
    let of_thread = |(tid, after): (&u32, &Counters)| {
        let before = before.get(tid)?;
        let wanted = after.wanted_ns.saturating_sub(before.wanted_ns);
        let user = after.user_ticks.saturating_sub(before.user_ticks) as f64;
        let kernel_ticks = after.kernel_ticks.saturating_sub(before.kernel_ticks);
        let kernel = kernel_ticks as f64;
        let in_kernel = if user + kernel >= TELLING_TICKS {
            kernel / (user + kernel)
        } else {
            0.0
        };
        let busy = wanted as f64 / window.as_nanos().max(1) as f64;
        Some(Busiest {
            busy,
            in_kernel,
            kernel_ticks,
        })
    };
    let threads = after.iter().filter_map(of_thread);
    threads
        .max_by(|a, b| a.busy.total_cmp(&b.busy))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Busiest, Counters, Threads, busiest};
    use std::time::Duration;

    /// An event loop in a slow language spends most of its time outside the kernel.
    #[test]
    fn a_small_share_of_the_kernel_is_told_with_its_ticks() {
        let Busiest {
            busy,
            in_kernel,
            kernel_ticks,
        } = share(23, 2);
        assert!((busy, kernel_ticks) == (1.0, 2) && (0.07..0.09).contains(&in_kernel));
    }

    #[test]
    fn a_share_of_few_ticks_is_none() {
        assert_eq!(share(7, 2).in_kernel.to_bits(), 0);
    }

    fn share(user: u64, kernel: u64) -> Busiest {
        let at = |wanted_ns, user_ticks, kernel_ticks| {
            let counters = Counters {
                wanted_ns,
                arrivals: 1,
                user_ticks,
                kernel_ticks,
                is_stopped: false,
            };
            Threads::from([(7, counters)])
        };
        let (before, after) = (at(5, 100, 100), at(250_000_005, 100 + user, 100 + kernel));
        busiest(Some(&before), Some(&after), Duration::from_millis(250))
    }
}
