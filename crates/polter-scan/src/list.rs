//! Listing: every process in sight, with its numbers.

use std::collections::BTreeMap;

use crate::compare::Comparer;
use crate::error::ScanError;
use crate::parallel;
use crate::proc::Proc;
use crate::room::Room;
use crate::scope::Scope;
use crate::snapshot::{Process, Unseen};
use crate::source::Limits;

/// What was listed.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) processes: BTreeMap<u32, Process>,
    /// Threads with a descriptor table of their own, and the process each is of.
    pub(crate) apart: BTreeMap<u32, u32>,
    pub(crate) unseen: Vec<Unseen>,
    pub(crate) numbers_left_out: u64,
}

impl Listing {
    /// Every process but this one, unless it is asked for: its numbers change with the looking.
    ///
    /// A thread with a table of its own is one more, and a child of its process: a number may
    /// name there what it names nowhere else.
    pub(crate) fn of(
        proc: &Proc,
        comparer: &Comparer,
        scope: &Scope,
        limits: &Limits,
    ) -> Result<Listing, ScanError> {
        let mut pids = proc.pids().map_err(|source| ScanError::Root {
            path: proc.root().to_owned(),
            source,
        })?;
        let own = std::process::id();
        pids.retain(|pid| !proc.is_live() || *pid != own || scope.names(own));
        let room = Room::new(limits.numbers);
        let listed = parallel::map(pids, |pid| {
            let mut process = proc.listed(pid).map_err(|why| Unseen { pid, why })?;
            room.fit(&mut process.open);
            let threads = threads_apart(proc, comparer, pid);
            let threads = threads.into_iter().filter_map(|thread| {
                let mut process = proc.listed(thread).ok()?;
                room.fit(&mut process.open);
                Some(Process {
                    ppid: pid,
                    thread_of: Some(pid),
                    ..process
                })
            });
            Ok((process, threads.collect::<Vec<Process>>()))
        });
        let mut listing = Listing {
            numbers_left_out: room.left_out(),
            ..Listing::default()
        };
        for one in listed {
            match one {
                Ok((process, threads)) => listing.add(process, threads),
                Err(unseen) => listing.unseen.push(unseen),
            }
        }
        Ok(listing)
    }

    fn add(&mut self, process: Process, threads: Vec<Process>) {
        for thread in threads {
            self.apart.insert(thread.pid, process.pid);
            self.processes.insert(thread.pid, thread);
        }
        self.processes.insert(process.pid, process);
    }
}

/// The threads known to have another table than their process (`unshare(CLONE_FILES)`).
fn threads_apart(proc: &Proc, comparer: &Comparer, pid: u32) -> Vec<u32> {
    if !proc.is_live() || !proc.has_threads(pid) {
        return Vec::new();
    }
    let mut threads = proc.threads(pid).unwrap_or_default();
    threads.retain(|thread| *thread != pid && comparer.is_other_table(pid, *thread));
    threads
}
