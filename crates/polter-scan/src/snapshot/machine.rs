//! The whole snapshot: processes, instances, the gaps, and the effort.

use std::collections::BTreeMap;

use serde::Serialize;

use super::instance::Instance;
use super::process::{Kind, Process};
use super::source::Source;

/// Everything that a scan saw, and the processes that it could not see.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Snapshot {
    /// Where it comes from.
    pub source: Source,
    /// The processes that could be read.
    pub processes: BTreeMap<u32, Process>,
    /// The instances of the processes that were asked for.
    pub instances: Vec<Instance>,
    /// The processes that could not be read.
    pub unseen: Vec<Unseen>,
    /// The effort of taking it.
    pub effort: Effort,
}

impl Snapshot {
    /// True if `pid` descends from `ancestor`.
    pub fn is_descendant(&self, pid: u32, ancestor: u32) -> bool {
        let mut at = pid;
        // Bounded, because processes are read one after the other: a pid that was reused in
        // between can make the parents form a circle.
        for _ in 0..self.processes.len() {
            let Some(process) = self.processes.get(&at) else {
                return false;
            };
            if process.ppid == ancestor {
                return true;
            }
            at = process.ppid;
        }
        false
    }

    /// True if another process may poll an instance: no file in it answers by who asks, as a signalfd does, or an
    /// instance with one. If what a registration is for is not known, nobody may.
    pub fn can_be_polled(&self, instance: &Instance) -> bool {
        let answers_alike = |kind: Option<Kind>| {
            kind.is_some_and(|kind| !matches!(kind, Kind::Epoll | Kind::Signalfd))
        };
        instance
            .registrations
            .iter()
            .all(|it| answers_alike(it.kind))
    }

    /// How a report calls a process, or a thread that has a table of its own.
    pub(crate) fn called(&self, pid: u32) -> String {
        match self.processes.get(&pid).and_then(|it| it.thread_of) {
            Some(leader) => format!("thread {pid} of process {leader}, with a table of its own,"),
            None => format!("process {pid}"),
        }
    }
}

/// A process that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// The process.
    pub pid: u32,
    /// Whether it was gone, or forbidden.
    pub why: Why,
}

/// Why a process could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It ended between the listing of `/proc` and the reading of its files.
    Vanished,
    /// The kernel did not permit it: the process is another user's, or has more privileges.
    Refused,
}

/// The calls and walks behind a snapshot, and everything that was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Effort {
    /// How often `kcmp(2)` was called, whatever it answered.
    pub kcmp_calls: u64,
    /// How long they took, in microseconds, summed over all threads.
    pub kcmp_us: u64,
    /// Comparisons the kernel refused.
    pub kcmp_refused: u64,
    /// Comparisons not made, because they would have taken too long.
    pub kcmp_left_out: u64,
    /// Walks over the whole machine.
    pub walks: u64,
    /// How often the kernel was asked again about registrations that did not fit.
    pub looks: u64,
    /// Files for which the last walk got two different answers about their registrations.
    pub disputed: u64,
    /// Registrations that changed from one look to the next until polter gave up.
    pub unsettled: u64,
    /// Open fds beyond the limit.
    #[serde(rename = "numbers_left_out")]
    pub fds_left_out: u64,
    /// Registrations beyond the limit.
    pub registrations_left_out: u64,
    /// Instances that were not read.
    pub instances_left_out: u64,
}
