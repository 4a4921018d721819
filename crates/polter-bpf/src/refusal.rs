//! Why the kernel does not run a program.

use std::error::Error;
use std::io;

/// Why the kernel does not run a program.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// This user may not load programs.
    #[error("the kernel refuses BPF to this user: it needs root, or CAP_BPF and CAP_PERFMON")]
    NotPermitted,
    /// The kernel does not say where its fields are.
    #[error("the kernel does not say where its fields are: {0}")]
    NoBtf(String),
    /// The kernel does not accept the program.
    #[error("the kernel does not take the program: {0}")]
    NotTaken(String),
    /// The program runs, but its answer could not be read.
    #[error("cannot read the kernel's answer: {0}")]
    Unreadable(#[from] io::Error),
}

/// What an error of `bpf(2)` means: EPERM refuses the user, any other one (EACCES of the verifier)
/// the program.
pub(crate) fn refused(error: io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(libc::EPERM) => Refusal::NotPermitted,
        _ => not_taken(error),
    }
}

/// A refusal that says the innermost cause of an error, in one short line.
pub fn not_taken(error: impl Into<Box<dyn Error>>) -> Refusal {
    let error = error.into();
    let mut cause: &dyn Error = &*error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    let line = text.trim().lines().next_back().unwrap_or_default();
    Refusal::NotTaken(line.chars().take(200).collect())
}
