//! Takes a snapshot through a tree of processes.

use super::compare::Comparer;
use super::list::Listing;
use super::view::View;
use crate::error::ScanError;
use crate::proc::{Proc, is_contained};
use crate::request::{Limits, Scope, asked_for};
use crate::snapshot::{By, Effort, Instance, Snapshot, Source};

/// Lists every process, and reads the instances of those that are asked for.
pub(crate) fn take(proc: &Proc, scope: &Scope, limits: &Limits) -> Result<Snapshot, ScanError> {
    let comparer = Comparer::new(proc.is_live());
    let listing = Listing::of(proc, &comparer, scope, limits)?;
    let by = if proc.is_live() {
        By::Proc
    } else {
        By::Capture
    };
    let mut snapshot = Snapshot {
        source: Source {
            by,
            why_not_bpf: None,
            is_hidden: proc.is_live() && !proc.root().join("1").exists(),
            is_contained: proc.is_live() && is_contained(),
        },
        processes: listing.processes,
        unseen: listing.unseen,
        ..Snapshot::default()
    };
    let mut asked = asked_for(scope, &snapshot)?;
    let theirs = |(thread, leader): (&u32, &u32)| asked.contains(leader).then_some(*thread);
    let theirs: Vec<u32> = listing.apart.iter().filter_map(theirs).collect();
    asked.extend(theirs);
    let view = View::new(proc, &comparer, &snapshot.processes);
    let (mut instances, left_out) = view.instances(&asked, limits);
    instances = view.find_holders(instances);
    if proc.is_live() && has_kept_by_nobody(&instances) {
        // A process that keeps the file may have started since the listing, or have moved the file
        // to another fd. Only a second listing makes "nobody keeps it" believable.
        let anew = Listing::of(proc, &comparer, scope, limits)?;
        instances = View::new(proc, &comparer, &anew.processes).find_holders(instances);
        for (pid, process) in anew.processes {
            snapshot.processes.entry(pid).or_insert(process);
        }
    }
    snapshot.instances = instances;
    snapshot.effort = Effort {
        fds_left_out: listing.fds_left_out,
        registrations_left_out: left_out,
        ..comparer.effort()
    };
    Ok(snapshot)
}

fn has_kept_by_nobody(instances: &[Instance]) -> bool {
    let mut registrations = instances.iter().flat_map(|it| &it.registrations);
    registrations.any(|it| it.is_ghost() && it.held_by.is_empty())
}
