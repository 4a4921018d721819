//! The way that is asked for, and how much of a machine is kept.

/// The way a snapshot is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The kernel walk where that is permitted, else `/proc`.
    #[default]
    Auto,
    /// `/proc`, which may be a captured one.
    Proc,
    /// The kernel walk, or an error.
    Bpf,
}

/// How much is kept of a machine. Everything beyond is counted and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most open fds, over all processes.
    pub fds: usize,
    /// The most registrations, over all instances.
    pub registrations: usize,
}

impl Default for Limits {
    /// Some hundred MB of each.
    fn default() -> Limits {
        Limits {
            fds: 1 << 22,
            registrations: 1 << 21,
        }
    }
}
