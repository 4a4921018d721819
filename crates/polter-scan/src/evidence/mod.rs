//! Evidence: whose is a registration that one process can name, and an elder cannot?
//!
//! ```text
//!   process 100: 3 ── instance ── registration of 4 ── file     the instance knows no owner
//!   process 101: 3 ──────┘                      4 ──────┘
//!
//!   made by 100 and closed there   a ghost of 100      101 does not wait on the instance
//!   made by 101                    live                101 waits on it, now and then
//! ```
//!
//! | module | what it asks |
//! |---|---|
//! | [`calls`] | what a task sleeps in, and whether that is a wait on the instance |
//! | [`watch`] | who waits, sleeps or runs over a window, and whether the file is ready |
//! | [`origin`] | whether the file came by a copy of the table |
//! | [`weigh`] | what follows from all that, and in which words |
//!
//! It is asked of such registrations alone: there are hardly ever any.

mod calls;
mod origin;
mod watch;
pub(crate) mod weigh;

use std::time::Duration;

use serde::Serialize;

use crate::proc::Proc;
use crate::snapshot::{Instance, Meaning, Registration, Snapshot, Why};

pub use self::origin::Origin;
pub(crate) use self::watch::{Counters, Threads, busiest, has_slept};
pub use self::watch::{How, Use};

/// How long is looked if nobody says otherwise.
pub(crate) const WINDOW: Duration = Duration::from_millis(250);

/// Instances that are watched at once; servers that share one are few.
const MAX_INSTANCES: usize = 64;

/// Registrations of one instance that are weighed.
const MAX_CASES: usize = 256;

/// How sure it is that something is what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// The kernel has said so.
    Certain,
    /// What can be seen speaks for it, and nothing against it.
    Likely,
    /// It cannot be told from outside.
    Open,
}

/// What was seen about one registration that some can name, and an elder cannot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The eldest that cannot name it.
    pub elder: u32,
    /// How long was looked.
    pub window_ms: u64,
    /// How often.
    pub looks: u32,
    /// What those did who can name it.
    pub namers: Vec<Use>,
    /// What those did who cannot.
    pub elders: Vec<Use>,
    /// Whether the file had something to report at every look; nothing if it cannot be asked.
    pub is_ready: Option<bool>,
    /// False if the number came or went meanwhile.
    pub is_steady: bool,
    /// Where the file came from, as far as that shows.
    pub origin: Origin,
    /// Descendants of those who hold the instance that may not be looked at.
    pub hidden_kin: Vec<u32>,
}

impl Snapshot {
    /// Watches, for so long, whoever is concerned where a number names its file for some who
    /// hold the instance and not for an elder. Takes no time where there is no such number.
    pub fn gather_evidence(&mut self, proc: &Proc, window: Duration) {
        if !proc.is_live() {
            return;
        }
        let mut cases = Vec::new();
        let instances = self.instances.iter().enumerate();
        for (at, instance) in instances {
            let registrations = instance.registrations.iter().enumerate();
            let split = registrations.filter_map(|(place, it)| {
                let split = it.split(self)?;
                Some(((at, place), split))
            });
            let of_it: Vec<_> = split.take(MAX_CASES).collect();
            cases.extend((!of_it.is_empty()).then_some(of_it));
            if cases.len() == MAX_INSTANCES {
                break;
            }
        }
        if cases.is_empty() {
            return;
        }
        let kin = self.hidden(proc);
        let watched = watch::watch(proc, self, &cases, window);
        for ((at, place), mut evidence) in watched {
            let instance = &self.instances[at];
            let pids = instance.pids();
            let is_kin = |(_, line): &&(u32, Vec<u32>)| line.iter().any(|pid| pids.contains(pid));
            evidence.hidden_kin = kin.iter().filter(is_kin).map(|(pid, _)| *pid).collect();
            self.instances[at].registrations[place].evidence = Some(Box::new(evidence));
        }
    }

    /// Those who may not be looked at, each with those it descends from.
    fn hidden(&self, proc: &Proc) -> Vec<(u32, Vec<u32>)> {
        const GENERATIONS: usize = 64;
        let refused = self.unseen.iter().filter(|it| it.why == Why::Refused);
        let line = |pid: u32| {
            let parent = |pid: &u32| Some(proc.stat(*pid).ok()?.ppid).filter(|pid| *pid > 1);
            let line = std::iter::successors(parent(&pid), parent);
            (pid, line.take(GENERATIONS).collect())
        };
        refused.map(|unseen| line(unseen.pid)).collect()
    }
}

/// Who can name a registration's file, and which elders cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) namers: Vec<u32>,
    pub(crate) elders: Vec<u32>,
}

impl Registration {
    /// How the holders fall into two parts; nothing if they do not.
    ///
    /// A younger holder without the file is a child that has closed its copies, which is as
    /// it should be but for the instance.
    pub(crate) fn split(&self, snapshot: &Snapshot) -> Option<Split> {
        if self.is_plain() {
            return None;
        }
        let with_meaning = |is_same: bool| {
            let chosen = self.tables.iter().filter(move |table| match table.meaning {
                Meaning::Same => is_same,
                Meaning::Closed | Meaning::Other => !is_same,
                Meaning::Unknown => false,
            });
            chosen.map(|table| table.pid).collect::<Vec<u32>>()
        };
        let (namers, without) = (with_meaning(true), with_meaning(false));
        let is_elder = |pid: &u32| {
            let mut namers = namers.iter();
            namers.all(|younger| snapshot.is_descendant(*younger, *pid))
        };
        let elders: Vec<u32> = without.into_iter().filter(is_elder).collect();
        (!namers.is_empty() && !elders.is_empty()).then_some(Split { namers, elders })
    }
}

/// Numbers a process has for an instance.
fn numbers_of(instance: &Instance, pid: u32) -> Vec<i32> {
    let of_pid = instance.names.iter().filter(|name| name.pid == pid);
    of_pid.map(|name| name.fd).collect()
}
