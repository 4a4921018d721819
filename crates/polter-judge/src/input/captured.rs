//! What was captured before a log began: processes, fds, instances.
//!
//! Without it, the judge assumes whatever the log first shows in use. With it, the worlds begin with what was there.

/// Everything that was captured before the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The processes that were alive.
    pub processes: Vec<PastProcess>,
    /// The epoll instances that some of them held.
    pub instances: Vec<PastInstance>,
}

/// A process that was alive before the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastProcess {
    /// Its pid, as the log would write it.
    pub pid: u32,
    /// The tids of its threads, without the leader.
    pub threads: Vec<u32>,
    /// Its open fds, those that name instances too.
    pub open: Vec<i32>,
}

/// An epoll instance that was there before the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastInstance {
    /// The fds that name it.
    pub names: Vec<PastName>,
    /// What was registered in it, ghosts too.
    pub registrations: Vec<PastRegistration>,
}

/// An fd that names an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PastName {
    /// The process that has the fd.
    pub pid: u32,
    /// The fd in that process's table.
    pub fd: i32,
    /// True if an exec closes it.
    pub is_cloexec: bool,
}

/// A registration that was made before the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastRegistration {
    /// The fd it was made under.
    pub fd: i32,
    /// The data that its events carry.
    pub data: u64,
    /// The processes that have the instance, and in which the fd names the registered file.
    pub named_in: Vec<u32>,
    /// Who else has the file open: process and fd.
    pub held_by: Vec<(u32, i32)>,
}

/// True for an fd that the worlds can follow without much memory: their tables are vectors.
pub(crate) fn is_fd(fd: i32) -> bool {
    (0..1 << 20).contains(&fd)
}
