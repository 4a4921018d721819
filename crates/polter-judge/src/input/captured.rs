//! What was captured before a log began: processes, fds, instances.
//!
//! Without it, the judge assumes whatever the log first shows in use. With it, the worlds begin with what was there.

/// What was there before the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The processes.
    pub processes: Vec<PastProcess>,
    /// Their instances.
    pub instances: Vec<PastInstance>,
}

/// A process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastProcess {
    /// Its number.
    pub pid: u32,
    /// Its threads but the first.
    pub threads: Vec<u32>,
    /// Its open numbers.
    pub open: Vec<i32>,
}

/// An instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastInstance {
    /// Its names.
    pub names: Vec<PastName>,
    /// What is registered in it.
    pub registrations: Vec<PastRegistration>,
}

/// A number that names an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PastName {
    /// The process.
    pub pid: u32,
    /// The number.
    pub fd: i32,
    /// Whether it is closed on exec.
    pub is_cloexec: bool,
}

/// A registration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastRegistration {
    /// The number it was made under.
    pub fd: i32,
    /// What its events carry.
    pub data: u64,
    /// The processes with the instance in which the number names its file.
    pub named_in: Vec<u32>,
    /// Who else has the file open: process and number.
    pub held_by: Vec<(u32, i32)>,
}

/// True for a number a log can use without taking much memory.
pub(crate) fn is_number(fd: i32) -> bool {
    (0..1 << 20).contains(&fd)
}
