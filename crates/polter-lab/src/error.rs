//! Why a guest told nothing.

use std::io;
use std::path::PathBuf;

#[cfg(target_arch = "x86_64")]
const HOW_TO_HAVE_IT: &str = "
  build it:      kernels/build, in polter's source (five minutes, once)
  or say where:  --kernel FILE, or POLTER_LAB_KERNEL=FILE";

/// User-mode Linux is not for other architectures.
#[cfg(not(target_arch = "x86_64"))]
const HOW_TO_HAVE_IT: &str = ": it is user-mode Linux, which runs on x86-64 only";

/// Why a command did not run to an end in a guest.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// There is no kernel for guests.
    #[error("the lab's kernel is not built{HOW_TO_HAVE_IT}")]
    NoKernel,
    /// The file is no kernel that can be started.
    #[error("{}: cannot be started: {source}", .path.display())]
    Start {
        /// The file that should be a kernel.
        path: PathBuf,
        /// What the host said when it was executed.
        source: io::Error,
    },
    /// The guest cannot be prepared.
    #[error("{what}: {source}")]
    Prepare {
        /// What was tried, as the beginning of a sentence.
        what: &'static str,
        /// What the host's kernel answered.
        source: io::Error,
    },
    /// The kernel's command line is split at blanks.
    #[error("{}: a guest's files cannot be under a name with blanks or quotes: set TMPDIR", .0.display())]
    OddName(PathBuf),
    /// What the command writes cannot be passed on.
    #[error("cannot write: {0}")]
    Output(#[source] io::Error),
    /// The guest's first process says why it cannot go on.
    #[error("in the guest: {0}")]
    Guest(String),
    /// The guest ended without having told how the command did.
    #[error("the guest ended early\n{}", indent(.log))]
    EndedEarly {
        /// The last lines it wrote for itself.
        log: String,
    },
}

impl LabError {
    pub(crate) fn prepare(what: &'static str) -> impl FnOnce(io::Error) -> LabError {
        move |source| LabError::Prepare { what, source }
    }
}

fn indent(log: &str) -> String {
    let lines: Vec<String> = log.lines().map(|line| format!("  | {line}")).collect();
    lines.join("\n")
}
