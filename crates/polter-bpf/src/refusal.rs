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
    /// The kernel does not accept the program, and is older than what the program calls.
    #[error(
        "the program calls bpf_loop, which Linux has since 5.17, and this is {release}: {reason}"
    )]
    TooOld {
        /// What uname(2) says.
        release: String,
        /// The kernel's own words.
        reason: String,
    },
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
    let reason = line.chars().take(200).collect();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim_end();
    if is_older_than_bpf_loop(release) {
        let release = release.to_owned();
        return Refusal::TooOld { release, reason };
    }
    Refusal::NotTaken(reason)
}

/// True for a release below 5.17. One that has `bpf_loop` all the same has refused the program for another reason, which is
/// told too.
fn is_older_than_bpf_loop(release: &str) -> bool {
    let mut numbers = release.split(|it: char| !it.is_ascii_digit());
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    match (next(), next()) {
        (Some(major), Some(minor)) => (major, minor) < (5, 17),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_before_5_17_has_no_bpf_loop() {
        assert!(is_older_than_bpf_loop("5.10.0-38-cloud-amd64"));
        assert!(!is_older_than_bpf_loop("5.17.0"));
        assert!(!is_older_than_bpf_loop("6.1.0-50-arm64"));
        assert!(!is_older_than_bpf_loop(""));
    }
}
