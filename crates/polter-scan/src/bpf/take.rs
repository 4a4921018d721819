//! Takes a snapshot by a walk in the kernel.

use super::load::Programs;
use super::walk::Walk;
use super::{assemble, confirm};
use polter_bpf::Refusal;

use crate::error::ScanError;
use crate::proc::{Proc, is_contained};
use crate::request::{Limits, Scope, asked_for};
use crate::snapshot::{By, Snapshot, Source};

/// Walks over the machine. The outer error says why the kernel cannot walk; the inner one holds
/// whichever way a snapshot is taken.
pub(crate) fn take(
    programs: &mut Programs,
    proc: &Proc,
    scope: &Scope,
    limits: &Limits,
) -> Result<Result<Snapshot, ScanError>, Refusal> {
    let mut walk = Walk::take(programs, limits)?;
    let own = std::process::id();
    if !scope.names(own) {
        walk.ignore(own);
    }
    let mut snapshot = Snapshot {
        source: Source {
            by: By::Bpf,
            why_not_bpf: None,
            is_hidden: false,
            is_contained: is_contained(),
        },
        ..Snapshot::default()
    };
    assemble::processes(proc, &walk, &mut snapshot);
    let asked = match asked_for(scope, &snapshot) {
        Ok(asked) => asked,
        Err(error) => return Ok(Err(error)),
    };
    let found = assemble::instances(&walk, &snapshot, &asked);
    snapshot.instances = confirm::confirm(programs, &walk, found, &mut snapshot.effort)?;
    walk.account(&mut snapshot.effort);
    Ok(Ok(snapshot))
}
