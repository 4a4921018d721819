//! Where a snapshot comes from.

use serde::Serialize;

/// The way a snapshot was taken, and the limits of that way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The way it was taken.
    pub by: By,
    /// Why the kernel did not walk, if it was asked to.
    pub why_not_bpf: Option<String>,
    /// True if `/proc` hides other users' processes: nobody saw what they keep open.
    pub is_hidden: bool,
    /// True in a container: nobody saw the processes outside it, nor what they keep open.
    pub is_contained: bool,
}

/// A way to take a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The running machine's `/proc`, and `kcmp(2)`.
    #[default]
    Proc,
    /// A captured `/proc`: nothing can be compared, so only inodes tell files apart.
    Capture,
    /// The kernel walk, which compares the files' own addresses.
    Bpf,
}
