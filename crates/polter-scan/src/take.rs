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
        Scanner::new(choice).take(proc, scope, limits)
    }
}

/// Takes one snapshot after another. What the kernel needs for a walk stays loaded in between.
#[derive(Debug)]
pub struct Scanner {
    choice: Choice,
    walker: Walker,
}

impl Scanner {
    /// Nothing is loaded yet.
    pub fn new(choice: Choice) -> Scanner {
        Scanner {
            choice,
            walker: Walker::default(),
        }
    }

    /// Reads the processes of a tree, or has the kernel walk.
    ///
    /// # Errors
    ///
    /// There is no such process; or the walk was asked for, and cannot be made.
    pub fn take(
        &mut self,
        proc: &Proc,
        scope: &Scope,
        limits: &Limits,
    ) -> Result<Snapshot, ScanError> {
        let can_walk = proc.is_live() && self.choice != Choice::Proc;
        let walked = can_walk.then(|| self.walker.take(proc, scope, limits));
        let why_not = match walked {
            Some(Ok(Ok(snapshot))) => return Ok(snapshot),
            Some(Ok(Err(error))) => return Err(error),
            Some(Err(why_not)) => Some(why_not),
            None if self.choice == Choice::Bpf => Some("a captured tree has no kernel".to_owned()),
            None => None,
        };
        match why_not {
            Some(why_not) if self.choice == Choice::Bpf => Err(ScanError::NoWalk(why_not)),
            why_not => {
                let mut snapshot = scan::take(proc, scope, limits)?;
                snapshot.source.why_not_bpf = why_not;
                Ok(snapshot)
            }
        }
    }
}

/// What walks in the kernel, once it is loaded.
#[derive(Default)]
struct Walker {
    #[cfg(feature = "bpf")]
    programs: Option<crate::bpf::Programs>,
}

impl std::fmt::Debug for Walker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walker").finish_non_exhaustive()
    }
}

impl Walker {
    /// A snapshot by the kernel walk. The outer error says why the kernel cannot walk, and `/proc` may
    /// be tried; the inner one holds whichever way is taken, such as that there is no such process.
    #[cfg(feature = "bpf")]
    fn take(
        &mut self,
        proc: &Proc,
        scope: &Scope,
        limits: &Limits,
    ) -> Result<Result<Snapshot, ScanError>, String> {
        let mut programs = match self.programs.take() {
            Some(programs) => programs,
            None => crate::bpf::Programs::load().map_err(|refusal| refusal.to_string())?,
        };
        let taken = crate::bpf::take(&mut programs, proc, scope, limits);
        // After an error they are loaded anew: what is left in the ring is nobody's.
        let taken = taken.map_err(|refusal| refusal.to_string())?;
        self.programs = Some(programs);
        Ok(taken)
    }

    #[cfg(not(feature = "bpf"))]
    fn take(
        &mut self,
        _: &Proc,
        _: &Scope,
        _: &Limits,
    ) -> Result<Result<Snapshot, ScanError>, String> {
        Err("this polter was built without it".to_owned())
    }
}
