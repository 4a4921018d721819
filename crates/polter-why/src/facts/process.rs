//! Everything that was seen of one process.

use std::sync::Arc;

use serde::Serialize;

use super::{CallCounts, FileFacts, Place, ThreadFacts};

/// What was seen of a process in the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// The process.
    pub pid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The program it runs; `None` if that may not be read.
    pub exe: Option<String>,
    /// Where it belongs.
    pub place: Place,
    /// Its threads, the busiest first.
    pub threads: Vec<ThreadFacts>,
    /// Threads that were not looked at, because they are too many.
    pub threads_left_out: u64,
    /// Its open fds, and how many it may have.
    pub fds: FdLimit,
    /// Its files that were ready for something at the first look, and at every look after it.
    pub files: Vec<FileFacts>,
    /// The ghosts whose file was ready at the end, by fd and occurrence.
    pub ghosts_ready: Vec<(i32, u32)>,
    /// Other processes that were seen to wait on an instance that they share with this one.
    pub sharers_waiting: Vec<u32>,
    /// Files that were ready at the first look, and at a later one were not, or had changed: somebody serves them.
    pub files_served: u64,
    /// Files that could not be asked, because the kernel refuses a copy of them.
    pub files_refused: u64,
    /// Files that were not asked, because they are too many.
    pub files_left_out: u64,
    /// The bytes it has read and written with `read(2)`, `write(2)` and their like in the window; `None` if that may not
    /// be read.
    pub bytes_moved: Option<u64>,
    /// True if it has an io_uring: what that reads, and what it reports, is not seen.
    pub has_ring: bool,
    /// The calls of all processes that were watched, and of whoever shares their instances, where the kernel counted
    /// them.
    #[serde(skip)]
    pub calls: Option<Arc<CallCounts>>,
}

/// How many fds a process has open, and how many it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FdLimit {
    /// Its open fds.
    pub open: u64,
    /// `RLIMIT_NOFILE`, the soft one; `None` if that may not be read.
    pub limit: Option<u64>,
}

impl FdLimit {
    /// True if no further fd can be opened.
    pub fn is_reached(&self) -> bool {
        self.limit.is_some_and(|limit| self.open >= limit)
    }
}

impl Facts {
    /// The threads that had a CPU, or wanted one, for half the window or more.
    pub fn busy(&self) -> impl Iterator<Item = &ThreadFacts> {
        self.threads.iter().filter(|it| it.is_busy())
    }

    /// False if some thread could not be looked at: it may wait for anything.
    pub fn knows_all_threads(&self) -> bool {
        let is_known = |it: &ThreadFacts| !it.activities.is_empty();
        self.threads_left_out == 0 && !self.threads.is_empty() && self.threads.iter().all(is_known)
    }

    /// A file by its fd.
    pub fn file(&self, fd: i32) -> Option<&FileFacts> {
        self.files.iter().find(|it| it.fd == fd)
    }
}
