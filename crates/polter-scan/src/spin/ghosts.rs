//! Watches the processes that ghosts hurt.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::usage::Usage;
use crate::finding::{Report, Spin};
use crate::proc::Proc;
use crate::snapshot::Held;
use crate::sys;

impl Report {
    /// Watches the processes that ghosts hurt, for `window`.
    pub fn watch(&mut self, proc: &Proc, window: Duration) {
        let ghosts = || self.findings.iter().filter(|it| it.class.is_ghost());
        let pids: Vec<u32> = ghosts().map(|ghost| ghost.pid).collect();
        if pids.is_empty() || !proc.is_live() {
            return;
        }
        let look = || -> BTreeMap<u32, Usage> {
            let usage = |pid: &u32| Some((*pid, Usage::of(proc, *pid)?));
            pids.iter().filter_map(usage).collect()
        };
        let (start, before) = (Instant::now(), look());
        std::thread::sleep(window);
        let (took, after) = (start.elapsed(), look());
        for finding in &mut self.findings {
            let usage = before.get(&finding.pid).zip(after.get(&finding.pid));
            if let Some((before, after)) = usage.filter(|_| finding.class.is_ghost()) {
                let load = after.since(before, took);
                finding.spin = Some(Spin {
                    window_ms: load.window_ms,
                    cores: load.cores,
                    switches: load.switches,
                    is_ready: finding.held_by.iter().find_map(is_ready),
                });
            }
        }
    }
}

/// What poll says of a ghost's file, by an fd that names it.
fn is_ready(held: &Held) -> Option<bool> {
    sys::is_ready(held.pid, held.fd, PollFlags::IN | PollFlags::PRI)
}
