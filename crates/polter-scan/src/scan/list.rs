//! Lists every process in sight, with its fds.

use std::collections::BTreeMap;

use super::compare::Comparer;
use crate::error::ScanError;
use crate::parallel;
use crate::proc::Proc;
use crate::request::{Budget, Limits, Scope};
use crate::snapshot::{Process, Unseen};

/// Every process in sight, and the fds and processes that were left out.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) processes: BTreeMap<u32, Process>,
    /// Threads with a descriptor table of their own, each with its process.
    pub(super) apart: BTreeMap<u32, u32>,
    pub(super) unseen: Vec<Unseen>,
    pub(super) fds_left_out: u64,
}

impl Listing {
    /// Lists every process. This process is left out unless it is asked for, because the scan
    /// itself opens and closes its fds.
    ///
    /// A thread with a table of its own counts as a process, and as a child of its process: an fd
    /// may name a file there that it names nowhere else.
    pub(super) fn of(
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
        let budget = Budget::new(limits.fds);
        let listed = parallel::map(pids, |pid| {
            let mut process = proc.listed(pid).map_err(|why| Unseen { pid, why })?;
            budget.fit(&mut process.open);
            let threads = threads_apart(proc, comparer, pid);
            let threads = threads.into_iter().filter_map(|thread| {
                let mut process = proc.listed(thread).ok()?;
                budget.fit(&mut process.open);
                Some(Process {
                    ppid: pid,
                    thread_of: Some(pid),
                    ..process
                })
            });
            Ok((process, threads.collect::<Vec<Process>>()))
        });
        let mut listing = Listing {
            fds_left_out: budget.left_out(),
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

/// The threads that are known to have another table than their process (`unshare(CLONE_FILES)`).
fn threads_apart(proc: &Proc, comparer: &Comparer, pid: u32) -> Vec<u32> {
    if !proc.is_live() || !proc.has_threads(pid) {
        return Vec::new();
    }
    let mut threads = proc.threads(pid).unwrap_or_default();
    threads.retain(|thread| *thread != pid && comparer.is_other_table(pid, *thread));
    threads
}
