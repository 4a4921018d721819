//! Reads the counters of a process's threads, from `stat` and `schedstat`.

use super::stat::{Schedule, Stat};
use super::tree::Proc;
use crate::snapshot::{Counters, Threads};

/// A process with more threads than this is given up: hardly ever do all of them sleep, and
/// reading them takes longer than the window.
const MAX_THREADS: usize = 256;

impl Proc {
    /// The counters of all threads of a process; for a thread with a table of its own, of that
    /// thread alone. `None` if they are too many, or one cannot be read.
    pub fn counters(&self, pid: u32) -> Option<Threads> {
        let tids = if self.is_thread(pid) {
            vec![pid]
        } else {
            self.threads(pid).ok()?
        };
        if tids.is_empty() || tids.len() > MAX_THREADS {
            return None;
        }
        let of_thread = |tid: u32| Some((tid, self.counters_of_thread(pid, tid)?));
        tids.into_iter().map(of_thread).collect()
    }

    /// The counters of one thread; `None` if it has ended, or the kernel does not keep them.
    pub fn counters_of_thread(&self, pid: u32, tid: u32) -> Option<Counters> {
        let stat = Stat::parse(&self.bytes(pid, &format!("task/{tid}/stat")).ok()?)?;
        let schedule = self.bytes(pid, &format!("task/{tid}/schedstat")).ok()?;
        let schedule = Schedule::parse(&String::from_utf8_lossy(&schedule))?;
        Some(Counters {
            wanted_ns: schedule.wanted_ns,
            arrivals: schedule.arrivals,
            user_ticks: stat.user_ticks,
            kernel_ticks: stat.cpu_ticks - stat.user_ticks,
            is_stopped: matches!(stat.state, 'T' | 't'),
        })
    }
}
