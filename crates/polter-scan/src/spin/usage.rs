//! What one process has used up.

use std::time::{Duration, Instant};

use crate::finding::Load;
use crate::proc::{Proc, stat};

impl Load {
    /// Watches a process for `window`; `None` if it cannot be read, or ends meanwhile.
    pub fn of(proc: &Proc, pid: u32, window: Duration) -> Option<Load> {
        let (start, before) = (Instant::now(), Usage::of(proc, pid)?);
        std::thread::sleep(window);
        let took = start.elapsed();
        Some(Usage::of(proc, pid)?.since(&before, took))
    }
}

/// What a process has used up so far.
pub(super) struct Usage {
    cpu_ticks: u64,
    switches: u64,
}

impl Usage {
    pub(super) fn of(proc: &Proc, pid: u32) -> Option<Usage> {
        let status = proc.bytes(pid, "status").ok()?;
        Some(Usage {
            cpu_ticks: proc.stat(pid).ok()?.cpu_ticks,
            switches: stat::switches(&String::from_utf8_lossy(&status))?,
        })
    }

    /// What was used up since an earlier moment.
    pub(super) fn since(&self, before: &Usage, took: Duration) -> Load {
        let ticks = self.cpu_ticks.saturating_sub(before.cpu_ticks) as f64;
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Load {
            window_ms: took.as_millis() as u64,
            cores: ticks / per_second / took.as_secs_f64(),
            switches: self.switches.saturating_sub(before.switches),
        }
    }
}
