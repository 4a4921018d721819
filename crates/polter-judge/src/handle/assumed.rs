//! Fds and instances that the log uses but has not shown being made: each is assumed, and counted.

use crate::input::Made;
use crate::judge::Judge;
use crate::state::Label;
use eventpoll::{Fd, FileId, Opaque, Tid};

impl Judge {
    /// Notes who made the file that an fd names.
    pub(crate) fn label(&mut self, tid: Tid, fd: Fd, made: Made, line: Option<u64>) {
        let pid = self.process_and_table(tid).0;
        if let Some(file) = self.worlds.base().fd(tid, fd) {
            self.heed.begin_file(file);
            self.labels.set(
                file,
                Label {
                    made,
                    pid,
                    fd,
                    line,
                },
            );
        }
    }

    /// Frees an fd that the log gives out. If it is taken here, the log lacks its close.
    pub(super) fn vacate(&mut self, tid: Tid, fd: Fd) {
        if let Some(file) = self.worlds.base().fd(tid, fd) {
            let line = self.line;
            // polter's recorder leaves out the opens and closes of files that cannot be registered, but not their dups.
            let is_assumed = self.labels.get(file).is_none_or(|it| it.line.is_none());
            if !self.coverage.is_recorded || !is_assumed {
                self.coverage.unseen_closes.note(line);
                self.findings.warn(line, 0, || {
                    format!("{fd} is given out though it was not seen to be closed")
                });
            }
            self.worlds.each(|kernel| kernel.forget_fd(tid, fd));
            self.policy_removals.require_full_scan();
            self.sweep_ghosts();
        }
    }

    /// An fd was given out: whatever waited for its reuse is told.
    pub(super) fn fd_taken(&mut self, pid: u32, tid: Tid, fd: Fd) {
        if let Some(task) = self.tasks.get_mut(pid) {
            task.batch.reopen(fd);
        }
        self.fd_reopened(tid, fd);
    }

    /// Makes sure that an fd names a file. If it does not, the file was opened before the log began.
    pub(super) fn ensure_open(&mut self, tid: Tid, fd: Fd) -> Option<FileId> {
        if fd.0 < 0 {
            return None;
        }
        if let Some(file) = self.worlds.base().fd(tid, fd) {
            return Some(file);
        }
        self.findings.summary.assumed += 1;
        self.worlds.each(|kernel| {
            kernel.assume_fd(tid, fd, Opaque::Pollable);
        });
        self.label(tid, fd, Made::Other, None);
        self.worlds.base().fd(tid, fd)
    }

    /// Makes sure that an fd names an instance. If it does not, the instance was made before the log began.
    pub(super) fn ensure_epoll(&mut self, tid: Tid, epfd: Fd) -> Option<eventpoll::EpollId> {
        let base = self.worlds.base();
        if let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) {
            self.findings.summary.instances += u64::from(self.coverage.is_first_use(epoll));
            return Some(epoll);
        }
        if epfd.0 < 0 {
            return None;
        }
        self.findings.summary.assumed += 1;
        self.findings.summary.instances += 1;
        // Others may have been given this file before it was known to be an instance. They get the instance too.
        let sharers: Vec<(Tid, Fd, bool)> = match base.fd(tid, epfd) {
            None => Vec::new(),
            Some(file) => {
                let tasks = base.tasks().map(|(tid, _)| tid);
                let all = tasks.flat_map(|tid| {
                    base.fds(tid)
                        .map(move |(fd, named, cloexec)| (tid, fd, named, cloexec))
                });
                all.filter(|(other, fd, named, _)| *named == file && (*other, *fd) != (tid, epfd))
                    .map(|(tid, fd, _, cloexec)| (tid, fd, cloexec))
                    .collect()
            }
        };
        self.worlds.each(|kernel| {
            if let Ok(file) = kernel.assume_epoll(tid, epfd) {
                for (sharer, fd, is_cloexec) in &sharers {
                    if kernel.fd(*sharer, *fd) != Some(file) {
                        kernel.share_fd(*sharer, *fd, file, *is_cloexec);
                    }
                }
            }
        });
        self.label(tid, epfd, Made::Epoll, None);
        let base = self.worlds.base();
        let epoll = base.fd(tid, epfd).and_then(|file| base.epoll_of(file));
        if let Some(epoll) = epoll {
            self.coverage.older_instance(epoll, self.line);
        }
        epoll
    }
}
