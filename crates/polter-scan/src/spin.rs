//! Does a process spin? What it uses up in a moment, beside what a ghost says.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};
use serde::Serialize;

use crate::finding::Report;
use crate::proc::Proc;
use crate::snapshot::Held;
use crate::stat;

/// What a process did while it was watched, and whether its ghost is readable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spin {
    /// How long it was watched.
    pub window_ms: u64,
    /// The share of one CPU it used: 1.0 is a core.
    pub cores: f64,
    /// How often it left its CPU.
    pub switches: u64,
    /// Whether poll says the ghost's file has something; nothing if it cannot be asked.
    pub is_ready: Option<bool>,
}

impl Spin {
    /// True if the process eats half a core or more, and the ghost has something to report.
    pub fn is_spinning(&self) -> bool {
        self.cores >= 0.5 && self.is_ready != Some(false)
    }
}

/// What a process used up while it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// How long it was watched.
    pub window_ms: u64,
    /// The share of one CPU it used: 1.0 is a core.
    pub cores: f64,
    /// How often it left its CPU.
    pub switches: u64,
}

impl Load {
    /// Watches a process for so long; nothing if it cannot be looked at, or ends meanwhile.
    pub fn of(proc: &Proc, pid: u32, window: Duration) -> Option<Load> {
        let (start, before) = (Instant::now(), Usage::of(proc, pid)?);
        std::thread::sleep(window);
        let took = start.elapsed();
        Some(Usage::of(proc, pid)?.since(&before, took))
    }
}

impl Report {
    /// Watches the processes that ghosts hurt for so long.
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

/// What a process has used up so far.
struct Usage {
    cpu_ticks: u64,
    switches: u64,
}

impl Usage {
    fn of(proc: &Proc, pid: u32) -> Option<Usage> {
        let status = proc.bytes(pid, "status").ok()?;
        Some(Usage {
            cpu_ticks: proc.stat(pid).ok()?.cpu_ticks,
            switches: stat::switches(&String::from_utf8_lossy(&status))?,
        })
    }

    fn since(&self, before: &Usage, took: Duration) -> Load {
        let ticks = self.cpu_ticks.saturating_sub(before.cpu_ticks) as f64;
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Load {
            window_ms: took.as_millis() as u64,
            cores: ticks / per_second / took.as_secs_f64(),
            switches: self.switches.saturating_sub(before.switches),
        }
    }
}

/// What poll says of a file somebody else has open.
fn is_ready(held: &Held) -> Option<bool> {
    let file = copy_of(held.pid, held.fd).ok()?;
    let mut polled = [PollFd::new(&file, PollFlags::IN | PollFlags::PRI)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Some(rustix::event::poll(&mut polled, Some(&at_once)).ok()? > 0)
}

/// `pidfd_getfd(2)`: a copy of another process's number.
pub(crate) fn copy_of(pid: u32, fd: i32) -> rustix::io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid.cast_signed()).ok_or(rustix::io::Errno::SRCH)?;
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(&process, fd, PidfdGetfdFlags::empty())
}
