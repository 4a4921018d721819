//! Calls that take an fd away: `close`, `dup2` over it, `close_range`.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::Weight;
use eventpoll::syscall::flags;
use eventpoll::{Fd, FileId, Syscall, Tid};

impl Judge {
    /// Closes an fd in every world, when the call begins.
    ///
    /// The detectors that ask what the fd names run before the close, those that ask what is left run after it.
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
        self.note_dead_epfd(tid, fd, place);
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
            "closed by its owner: the fd is gone, the file is not",
        );
        self.settle_cleared(process, file, was_epoll);
        self.forget_duplicate(tid, fd);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    /// The file that an fd names, and whether it is an instance.
    fn named(&self, tid: Tid, fd: Fd) -> (Option<FileId>, bool) {
        let base = self.worlds.base();
        let file = base.fd(tid, fd);
        (file, file.is_some_and(|file| base.epoll_of(file).is_some()))
    }

    /// Handles a close that was not split, or whose first half the log lacks.
    pub(super) fn close_ended(&mut self, pid: u32, tid: Tid, fd: Fd, place: &Place<'_>) {
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
                // The log is the truth: whatever a world has there is gone.
                self.worlds.each(|kernel| kernel.forget_fd(tid, fd));
                self.policy_removals.require_full_scan();
            }
            return;
        }
        self.close(pid, tid, fd, place);
    }

    /// `dup2`, `dup3`: closes what `new` names, and makes it name the other file.
    pub(super) fn replaced(
        &mut self,
        pid: u32,
        tid: Tid,
        fd: Fd,
        new: Fd,
        is_cloexec: bool,
        place: &Place<'_>,
    ) {
        self.ensure_open(tid, fd);
        let process = self.process_and_table(tid).0;
        self.note_dead_epfd(tid, new, place);
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
            "replaced: the fd names another file now",
        );
        self.settle_cleared(process, file, was_epoll);
        self.fd_taken(pid, tid, new);
        self.note_duplicate(tid, new);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }

    /// `close_range(2)`: closes the fds, or marks them close-on-exec.
    pub(super) fn range_closed(
        &mut self,
        tid: Tid,
        first: u32,
        last: u32,
        flags: u32,
        place: &Place<'_>,
    ) {
        let (process, table) = self.process_and_table(tid);
        let is_close = flags & flags::CLOSE_RANGE_CLOEXEC == 0;
        let mut watched = Vec::new();
        if is_close {
            let base = self.worlds.base();
            let fds: Vec<Fd> = base.fds(tid).map(|(fd, ..)| fd).collect();
            for fd in fds
                .into_iter()
                .filter(|fd| (first..=last).contains(&(fd.0 as u32)))
            {
                self.note_dead_epfd(tid, fd, place);
                watched.extend(self.watched(tid, fd));
            }
        }
        let call = Syscall::CloseRange { first, last, flags };
        let _ = self
            .worlds
            .call(tid, &call, &[], Weight::Notice, || place.site());
        // Also if the table was unshared: the policies that remove others' registrations do so for any cleared slot.
        self.note_policy_removals(&watched, process, false);
        if self.process_and_table(tid).1 != table {
            // CLOSE_RANGE_UNSHARE of a shared table: the table that registered keeps its fds.
            watched.clear();
        }
        self.orphans(
            &watched,
            process,
            place,
            "closed by its owner: the fd is gone, the file is not",
        );
        self.settle_policy_removals(process, None);
        self.drop_held_by_rings();
        self.sweep_ghosts();
    }
}
