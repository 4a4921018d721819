//! The load of a process while it was watched.

use serde::Serialize;

/// The load of a process that a ghost hurts, and whether the ghost's file is readable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spin {
    /// How long it was watched.
    pub window_ms: u64,
    /// The share of one CPU it used: 1.0 is a core.
    pub cores: f64,
    /// How often it left its CPU.
    pub switches: u64,
    /// Whether poll reports anything for the ghost's file; `None` if it cannot be asked.
    pub is_ready: Option<bool>,
}

impl Spin {
    /// True if the process uses half a core or more, and the ghost may have something to report.
    pub fn is_spinning(&self) -> bool {
        self.cores >= 0.5 && self.is_ready != Some(false)
    }
}

/// The load of a process while it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// How long it was watched.
    pub window_ms: u64,
    /// The share of one CPU it used: 1.0 is a core.
    pub cores: f64,
    /// How often it left its CPU.
    pub switches: u64,
}

/// A process that used a core while it was watched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Busy {
    /// The process, by the pid that the scanner's own namespace has for it.
    pub pid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The share of the window in which its busiest thread had a CPU or wanted one.
    pub busy: f64,
    /// The kernel's share of that thread's time.
    pub in_kernel: f64,
}
