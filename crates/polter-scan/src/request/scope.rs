//! Whose instances are asked for, and which processes that means.

use std::collections::BTreeSet;

use crate::error::ScanError;
use crate::snapshot::{By, Process, Snapshot, Why};

/// Whose instances are read. The holders of a registration's file are searched in every process,
/// whatever the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of every process but the caller's own.
    All,
    /// Those of these processes; the caller's own, too, if it is among them.
    Pids(Vec<u32>),
    /// Those of these processes and of all that descend from them.
    Families(Vec<u32>),
    /// Those of the processes with this name (`/proc/PID/comm`).
    Name(String),
}

impl Scope {
    /// True if it names this process outright.
    pub(crate) fn names(&self, pid: u32) -> bool {
        match self {
            Scope::Pids(pids) | Scope::Families(pids) => pids.contains(&pid),
            Scope::All | Scope::Name(_) => false,
        }
    }
}

/// The processes asked for; an error if there is none.
pub(crate) fn asked_for(scope: &Scope, snapshot: &Snapshot) -> Result<BTreeSet<u32>, ScanError> {
    let is_captured = snapshot.source.by == By::Capture;
    match scope {
        Scope::All if is_captured && snapshot.processes.is_empty() => Err(ScanError::NotCaptured(
            snapshot.unseen.first().map(|unseen| unseen.pid),
        )),
        Scope::All if snapshot.processes.is_empty() && !snapshot.unseen.is_empty() => {
            Err(ScanError::AllRefused(snapshot.unseen.len() as u64))
        }
        Scope::All if snapshot.processes.is_empty() => Err(ScanError::NoneInSight),
        Scope::All => Ok(snapshot.processes.keys().copied().collect()),
        Scope::Pids(pids) | Scope::Families(pids) => {
            for pid in pids {
                if !snapshot.processes.contains_key(pid) {
                    let unseen = snapshot.unseen.iter().find(|unseen| unseen.pid == *pid);
                    return Err(match unseen.map(|unseen| unseen.why) {
                        Some(Why::Refused) => ScanError::Refused(*pid),
                        Some(_) if is_captured => ScanError::NotCaptured(Some(*pid)),
                        _ => ScanError::NoSuchProcess(*pid),
                    });
                }
            }
            let mut asked: BTreeSet<u32> = pids.iter().copied().collect();
            if matches!(scope, Scope::Families(_)) {
                let descends =
                    |pid: &&u32| pids.iter().any(|it| snapshot.is_descendant(**pid, *it));
                asked.extend(snapshot.processes.keys().filter(descends));
            }
            Ok(asked)
        }
        Scope::Name(name) => {
            let of_name = |process: &&Process| process.comm == *name;
            let pids: BTreeSet<u32> = snapshot
                .processes
                .values()
                .filter(of_name)
                .map(|process| process.pid)
                .collect();
            if pids.is_empty() {
                return Err(ScanError::NoSuchName(name.clone()));
            }
            Ok(pids)
        }
    }
}
