//! Which way a snapshot is taken: `/proc`, or a walk in the kernel.
//!
//! ```text
//!              privileges   tells files apart by   sees
//!   /proc      none         inode, then kcmp       whom we may look at
//!   bpf        CAP_BPF …    the file itself        every table, and references that are no number
//! ```

use serde::Serialize;

use crate::error::ScanError;
use crate::proc::Proc;
use crate::scope::Scope;
use crate::snapshot::Snapshot;

/// Which way is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The kernel walk where that is allowed, else `/proc`.
    #[default]
    Auto,
    /// `/proc`, which may be a captured one.
    Proc,
    /// The kernel walk, or an error.
    Bpf,
}

/// Where a snapshot comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The way it was taken.
    pub by: By,
    /// Why the kernel did not walk, if it was asked to.
    pub why_not_bpf: Option<String>,
    /// True if `/proc` hides others' processes: what they keep was not seen.
    pub is_hidden: bool,
    /// True in a container: processes outside it were not seen, whatever they keep.
    pub is_contained: bool,
}

/// A way to take a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The running machine's `/proc`, and `kcmp(2)`.
    #[default]
    Proc,
    /// A captured `/proc`.
    Capture,
    /// The kernel walk.
    Bpf,
}

/// What is kept of a machine; what is beyond that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open numbers.
    pub numbers: usize,
    /// Registrations.
    pub registrations: usize,
}

impl Default for Limits {
    /// Some hundred MB of each.
    fn default() -> Limits {
        Limits {
            numbers: 1 << 22,
            registrations: 1 << 21,
        }
    }
}

impl Snapshot {
    /// Looks at the processes of a tree, or has the kernel look.
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
                let mut snapshot = Snapshot::take_proc(proc, scope, limits)?;
                snapshot.source.why_not_bpf = why_not;
                Ok(snapshot)
            }
        }
    }
}

/// The snapshot; or why there can be none this way.
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

/// True if some processes of the machine are out of sight: we are in a pid namespace.
pub(crate) fn is_contained() -> bool {
    /// Linux: `PROC_PID_INIT_INO`
    const FIRST: &str = "pid:[4026531836]";
    let namespace = std::fs::read_link("/proc/self/ns/pid");
    namespace.is_ok_and(|target| target.as_os_str() != FIRST)
}
