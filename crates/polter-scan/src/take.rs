//! Takes a snapshot, by `/proc` or by a walk in the kernel.
//!
//! ```text
//!              privileges   tells files apart by   sees
//!   /proc      none         inode, then kcmp       the processes we may read
//!   bpf        CAP_BPF …    the file itself        every table, and references that are no fd
//! ```

use crate::error::ScanError;
use crate::proc::Proc;
use crate::request::{Choice, Limits, Scope};
use crate::scan;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Reads the processes of a tree, through that tree.
    pub fn take(proc: &Proc, scope: &Scope) -> Result<Snapshot, ScanError> {
        scan::take(proc, scope, &Limits::default())
    }

    /// Reads the processes of a tree, or has the kernel walk.
    pub fn take_by(
        proc: &Proc,
        scope: &Scope,
        choice: Choice,
        limits: &Limits,
    ) -> Result<Snapshot, ScanError> {
        let can_walk = proc.is_live() && choice != Choice::Proc;
        let walked = can_walk.then(|| by_bpf(proc, scope, limits));
        let why_not = match walked {
            Some(Ok(Ok(snapshot))) => return Ok(snapshot),
            Some(Ok(Err(error))) => return Err(error),
            Some(Err(why_not)) => Some(why_not),
            None if choice == Choice::Bpf => Some("a captured tree has no kernel".to_owned()),
            None => None,
        };
        match why_not {
            Some(why_not) if choice == Choice::Bpf => Err(ScanError::NoWalk(why_not)),
            why_not => {
                let mut snapshot = scan::take(proc, scope, limits)?;
                snapshot.source.why_not_bpf = why_not;
                Ok(snapshot)
            }
        }
    }
}

/// A snapshot by the kernel walk. The outer error says why the kernel cannot walk, and `/proc` may
/// be tried; the inner one holds whichever way is taken, such as that there is no such process.
#[cfg(feature = "bpf")]
fn by_bpf(
    proc: &Proc,
    scope: &Scope,
    limits: &Limits,
) -> Result<Result<Snapshot, ScanError>, String> {
    crate::bpf::take(proc, scope, limits).map_err(|refusal| refusal.to_string())
}

#[cfg(not(feature = "bpf"))]
fn by_bpf(_: &Proc, _: &Scope, _: &Limits) -> Result<Result<Snapshot, ScanError>, String> {
    Err("this polter was built without it".to_owned())
}
