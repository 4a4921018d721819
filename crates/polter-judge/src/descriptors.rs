//! Descriptors come and go, and numbers first seen in use are taken as given.

use crate::deed::{Deed, Made};
use crate::judge::Judge;
use crate::labels::Label;
use crate::site::Place;
use crate::worlds::Weight;
use eventpoll::syscall::{Fcntl, flags};
use eventpoll::{Errno, Fd, FileId, Opaque, Syscall, TableId, Tid};
use polter_trace::Call;

/// Files that rings may hold at once.
const MAX_IN_RINGS: usize = 1 << 16;

impl Judge {
    /// A call on a descriptor that changes none.
    pub(crate) fn touched(&mut self, pid: u32, tid: Tid, fd: Fd, call: &Call<'_>, line: u64) {
        if call.returned.errno == Some("EBADF") {
            self.note_refused(tid, fd, &Place::of_call(line, pid, call));
        }
        let Some(task) = self.tasks.get_mut(pid) else {
            return;
        };
        if !task.batch.is_empty()
            && let Some(stale) = task.batch.touch(fd)
        {
            self.found_stale_use(tid, fd, &stale, &Place::of_call(line, pid, call));
        }
    }

    pub(crate) fn descriptors_changed(
        &mut self,
        pid: u32,
        tid: Tid,
        deed: &Deed<'_>,
        place: &Place<'_>,
    ) {
        match *deed {
            Deed::Open {
                fds,
                made,
                is_cloexec,
            } => {
                for fd in fds.into_iter().flatten() {
                    self.opened(pid, tid, fd, made, is_cloexec);
                }
            }
            // No number that Linux gives.
            Deed::Dup { new, .. } if new.0 < 0 => {}
            Deed::Dup {
                fd,
                new,
                is_cloexec,
            } => {
                self.ensure_open(pid, tid, fd);
                self.vacate(tid, new);
                let cmd = if is_cloexec {
                    Fcntl::DupFdCloexec(0)
                } else {
                    Fcntl::DupFd(0)
                };
                let _ = self.worlds.call(
                    tid,
                    &Syscall::Fcntl { fd, cmd },
                    &[new],
                    Weight::Result,
                    || place.site(),
                );
                self.number_taken(pid, tid, new);
                self.note_duplicate(tid, new);
            }
            Deed::Replace { fd, new, .. } if fd == new || new.0 < 0 => {}
            Deed::Replace {
                fd,
                new,
                is_cloexec,
            } => self.replaced(pid, tid, fd, new, is_cloexec, place),
            Deed::CloseRange { first, last, flags } => {
                self.range_closed(tid, first, last, flags, place);
            }
            Deed::SetCloexec { fd, on } => {
                self.ensure_open(pid, tid, fd);
                let cmd = Fcntl::SetFd(if on { flags::FD_CLOEXEC } else { 0 });
                let _ = self.worlds.call(
                    tid,
                    &Syscall::Fcntl { fd, cmd },
                    &[],
                    Weight::Notice,
                    || place.site(),
                );
            }
            Deed::Unshare { flags } => {
                let _ = self.worlds.call(
                    tid,
                    &Syscall::Unshare { flags },
                    &[],
                    Weight::Notice,
                    || place.site(),
                );
            }
            Deed::Send { ref rights } => {
                self.sent(pid, tid, rights);
            }
            Deed::Receive {
                ref rights,
                is_cloexec,
            } => self.received(pid, tid, rights, is_cloexec),
            Deed::GetFd { pidfd, target, new } => self.fetched(pid, tid, pidfd, target, new),
            Deed::Register { ring, ref files } => self.registered_in_ring(pid, tid, ring, files),
            _ => {}
        }
    }

    pub(crate) fn opened(&mut self, pid: u32, tid: Tid, fd: Fd, made: Made, is_cloexec: bool) {
        if fd.0 < 0 {
            return;
        }
        self.vacate(tid, fd);
        self.worlds.open(tid, fd, made == Made::Epoll, is_cloexec);
        self.label(tid, fd, made, Some(self.line));
        if made == Made::Epoll {
            self.book.log.instances += 1;
            let base = self.worlds.base();
            if let Some(epoll) = base.fd(tid, fd).and_then(|file| base.epoll_of(file)) {
                self.coverage.new_instance(epoll);
                self.forget_instance(epoll);
            }
        }
        self.number_taken(pid, tid, fd);
    }

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

    /// A number that is given out was free; if it did not seem so, its close was not in the log.
    pub(crate) fn vacate(&mut self, tid: Tid, fd: Fd) {
        if self.worlds.base().fd(tid, fd).is_some() {
            let line = self.line;
            self.coverage.unseen_closes.note(line);
            self.book.warn(line, 0, || {
                format!("{fd} is given out though it was not seen to be closed")
            });
            self.worlds.each(|kernel| kernel.forget_fd(tid, fd));
            self.takings.fall_behind();
            self.sweep_ghosts();
        }
    }

    pub(crate) fn number_taken(&mut self, pid: u32, tid: Tid, fd: Fd) {
        if let Some(task) = self.tasks.get_mut(pid) {
            task.batch.reopen(fd);
        }
        self.number_reopened(tid, fd);
    }

    /// A number is used that the log has not shown: it was open before.
    pub(crate) fn ensure_open(&mut self, _pid: u32, tid: Tid, fd: Fd) -> Option<FileId> {
        if fd.0 < 0 {
            return None;
        }
        if let Some(file) = self.worlds.base().fd(tid, fd) {
            return Some(file);
        }
        self.book.log.assumed += 1;
        self.worlds.each(|kernel| {
            kernel.assume_fd(tid, fd, Opaque::Pollable);
        });
        self.label(tid, fd, Made::Other, None);
        self.worlds.base().fd(tid, fd)
    }

    /// A number is used as an instance: if it was not known as one, it was one before.
    pub(crate) fn ensure_epoll(
        &mut self,
        pid: u32,
        tid: Tid,
        epfd: Fd,
    ) -> Option<eventpoll::EpollId> {
        let base = self.worlds.base();
        if let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) {
            self.book.log.instances += u64::from(self.coverage.is_first_use(epoll));
            return Some(epoll);
        }
        if epfd.0 < 0 {
            return None;
        }
        self.book.log.assumed += 1;
        self.book.log.instances += 1;
        // Whoever has the same file has the same instance.
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
        let _ = pid;
        let base = self.worlds.base();
        let epoll = base.fd(tid, epfd).and_then(|file| base.epoll_of(file));
        if let Some(epoll) = epoll {
            self.coverage.older_instance(epoll, self.line);
        }
        epoll
    }

    /// A close that has not ended yet, or ends on its line.
    pub(crate) fn close(&mut self, pid: u32, tid: Tid, fd: Fd, place: &Place<'_>) {
        let process = self.process_and_table(tid).0;
        let task = self.tasks.get_mut(pid);
        let stale = task.and_then(|task| {
            task.batch
                .close(fd, || place.step("closed while its event waits"))
        });
        if let Some(stale) = stale {
            self.found_stale_use(tid, fd, &stale, place);
        }
        self.note_close_to_others(tid, fd, place);
        self.note_raced_close(pid, tid, fd, place);
        self.note_dead_number(tid, fd, place);
        let watched = self.watched(tid, fd);
        let (file, was_epoll) = self.named(tid, fd);
        let _ = self
            .worlds
            .call(tid, &Syscall::Close { fd }, &[], Weight::Notice, || {
                place.site()
            });
        self.orphans(
            &watched,
            process,
            place,
            "closed by its owner: the number is gone, the file is not",
        );
        self.settle_cleared(process, file, was_epoll);
        self.forget_duplicate(tid, fd);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    /// The file of a number, and whether it is an instance.
    fn named(&self, tid: Tid, fd: Fd) -> (Option<FileId>, bool) {
        let base = self.worlds.base();
        let file = base.fd(tid, fd);
        (file, file.is_some_and(|file| base.epoll_of(file).is_some()))
    }

    pub(crate) fn close_ended(&mut self, pid: u32, tid: Tid, fd: Fd, place: &Place<'_>) {
        let has_failed = place
            .returned
            .is_some_and(|returned| returned.errno.is_some());
        if has_failed {
            if place
                .returned
                .is_some_and(|returned| returned.errno == Some("EBADF"))
            {
                self.found_double_close(pid, tid, fd, place);
                if let Some(stale) = self
                    .tasks
                    .get_mut(pid)
                    .and_then(|task| task.batch.touch(fd))
                {
                    self.found_stale_use(tid, fd, &stale, place);
                }
                if self.worlds.base().fd(tid, fd).is_some() {
                    self.coverage.unseen_closes.note(place.line);
                }
                self.worlds.each(|kernel| kernel.forget_fd(tid, fd));
                self.takings.fall_behind();
            }
            return;
        }
        self.close(pid, tid, fd, place);
    }

    fn replaced(
        &mut self,
        pid: u32,
        tid: Tid,
        fd: Fd,
        new: Fd,
        is_cloexec: bool,
        place: &Place<'_>,
    ) {
        self.ensure_open(pid, tid, fd);
        let process = self.process_and_table(tid).0;
        self.note_dead_number(tid, new, place);
        let watched = self.watched(tid, new);
        let (file, was_epoll) = self.named(tid, new);
        let flags = if is_cloexec { flags::O_CLOEXEC } else { 0 };
        let call = Syscall::Dup3 {
            fd,
            new_fd: new,
            flags,
        };
        let _ = self
            .worlds
            .call(tid, &call, &[], Weight::Result, || place.site());
        self.orphans(
            &watched,
            process,
            place,
            "replaced by another file: the number names it no more",
        );
        self.settle_cleared(process, file, was_epoll);
        self.number_taken(pid, tid, new);
        self.note_duplicate(tid, new);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    fn range_closed(&mut self, tid: Tid, first: u32, last: u32, flags: u32, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let is_close = flags & flags::CLOSE_RANGE_CLOEXEC == 0;
        let mut watched = Vec::new();
        if is_close {
            let base = self.worlds.base();
            let numbers: Vec<Fd> = base.fds(tid).map(|(fd, ..)| fd).collect();
            for fd in numbers
                .into_iter()
                .filter(|fd| (first..=last).contains(&(fd.0 as u32)))
            {
                self.note_dead_number(tid, fd, place);
                watched.extend(self.watched(tid, fd));
            }
        }
        let call = Syscall::CloseRange { first, last, flags };
        let _ = self
            .worlds
            .call(tid, &call, &[], Weight::Notice, || place.site());
        self.note_takings(&watched, process, false);
        if self.process_and_table(tid).1 != table {
            // CLOSE_RANGE_UNSHARE of a shared table: the others keep their numbers.
            watched.clear();
        }
        self.orphans(
            &watched,
            process,
            place,
            "closed by its owner: the number is gone, the file is not",
        );
        self.settle_takings(process, None);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    /// A ring gets files of its own, instead of those it may have had.
    fn registered_in_ring(&mut self, pid: u32, tid: Tid, ring: Fd, fds: &[Fd]) {
        let Some(ring) = self.ensure_open(pid, tid, ring) else {
            return;
        };
        let held: usize = self.in_rings.iter().map(|(_, files)| files.len()).sum();
        if held + fds.len() > MAX_IN_RINGS {
            let line = self.line;
            return self.book.warn(line, 0, || {
                format!("more than {MAX_IN_RINGS} files in rings; new ones are left out")
            });
        }
        let mut files = Vec::new();
        for fd in fds {
            if self.ensure_open(pid, tid, *fd).is_some() {
                let file = self.worlds.files_at(tid, *fd);
                self.worlds.each_with(&file, eventpoll::Kernel::hold);
                files.push(file);
            }
        }
        self.drop_held_by(|held_by, _| held_by == ring);
        if !files.is_empty() {
            self.in_rings.push((ring, files));
        }
        self.sweep_ghosts();
    }

    /// A ring whose last reference went lets go of its files.
    pub(crate) fn drop_held_by_rings(&mut self) {
        if !self.in_rings.is_empty() {
            self.drop_held_by(|ring, base| base.references(ring) == 0);
        }
    }

    fn drop_held_by(&mut self, drop_fn: impl Fn(FileId, &eventpoll::Kernel) -> bool) {
        let base = self.worlds.base();
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.in_rings)
            .into_iter()
            .partition(|(ring, _)| drop_fn(*ring, base));
        self.in_rings = kept;
        if !gone.is_empty() {
            self.takings.fall_behind();
        }
        for files in gone.into_iter().flat_map(|(_, files)| files) {
            self.worlds.each_with(&files, eventpoll::Kernel::unhold);
        }
    }

    /// The process a task belongs to, as the log numbers it, and its table.
    pub(crate) fn process_and_table(&self, tid: Tid) -> (u32, TableId) {
        let view = self
            .worlds
            .base()
            .task(tid)
            .expect("a task of the log lives in the worlds");
        (self.tasks.shown(view.process), view.table)
    }

    /// True if the call in the log failed with this error.
    pub(crate) fn has_failed_with(place: &Place<'_>, errno: Errno) -> bool {
        place.returned.and_then(|returned| returned.errno) == Some(errno.name())
    }
}
