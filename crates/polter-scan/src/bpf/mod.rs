//! The kernel walk: every table and every registration, told by the kernel itself.
//!
//! ```text
//!   walk.bpf.c ─▶ load ─▶ records ─▶ Walk ─▶ accused? ─▶ confirm ─▶ Snapshot
//!                                     ▲         │           │
//!                                     └─ again, where a file's list and
//!                                        an instance's tree disagree
//! ```
//!
//! A file is known by itself here, not by its inode: eventfds need no `kcmp`. No lock
//! is taken, so a single walk accuses nobody: whatever does not fit is looked up again,
//! registration, number, registration, until two looks in a row say the same.

mod assemble;
mod btf;
mod dispute;
mod load;
mod object;
mod record;
mod sys;
mod trial;
mod walk;

use crate::error::ScanError;
use crate::proc::Proc;
use crate::scope::{Scope, asked_for};
use crate::snapshot::Snapshot;
use crate::source::{By, Limits, Source, is_contained};

use self::load::{Programs, Refusal};
use self::walk::Walk;

/// Walks over the machine; the outer error says why it cannot be done this way.
pub(crate) fn take(
    proc: &Proc,
    scope: &Scope,
    limits: &Limits,
) -> Result<Result<Snapshot, ScanError>, Refusal> {
    let mut programs = Programs::load()?;
    let mut walk = Walk::take(&mut programs, limits)?;
    let own = std::process::id();
    if !scope.names(own) {
        walk.look_away_from(own);
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
    snapshot.instances = trial::hold(&mut programs, &walk, found, &mut snapshot.effort)?;
    walk.account(&mut snapshot.effort);
    Ok(Ok(snapshot))
}
