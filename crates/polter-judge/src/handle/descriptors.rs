//! Calls that make, duplicate or mark descriptors.

use crate::input::{Effect, Made, Place};
use crate::judge::Judge;
use crate::state::{MAX_REMEMBERED, Weight};
use eventpoll::syscall::{Fcntl, flags};
use eventpoll::{Fd, Syscall, Tid};
use polter_trace::Call;

impl Judge {
    /// Handles a call on a descriptor that changes none: it may use an fd that is closed or stale.
    pub(crate) fn touched(&mut self, pid: u32, tid: Tid, fd: Fd, call: &Call<'_>, line: u64) {
        let clock = self.clock;
        if call.returned.errno == Some("EBADF") {
            self.note_refused(tid, fd, &Place::of_call((line, clock), pid, call));
        }
        let Some(task) = self.tasks.get_mut(pid) else {
            return;
        };
        if !task.batch.is_empty()
            && let Some(stale) = task.batch.touch(fd)
        {
            self.found_stale_use(tid, fd, &stale, &Place::of_call((line, clock), pid, call));
        }
    }

    /// Handles a call that changes descriptors, but for `close`.
    pub(super) fn descriptors_changed(
        &mut self,
        pid: u32,
        tid: Tid,
        effect: &Effect<'_>,
        place: &Place<'_>,
    ) {
        match *effect {
            Effect::Open {
                fds,
                made,
                is_cloexec,
            } => {
                for fd in fds.into_iter().flatten() {
                    self.opened(pid, tid, fd, made, is_cloexec);
                }
            }
            // Linux gives no such fd: the line is torn.
            Effect::Dup { new, .. } if new.0 < 0 => {}
            Effect::Dup {
                fd,
                new,
                is_cloexec,
            } => {
                self.ensure_open(tid, fd);
                self.duplicated(pid, tid, fd, new, is_cloexec, place);
            }
            Effect::Replace { fd, new, .. } if fd == new || new.0 < 0 => {}
            Effect::Replace {
                fd,
                new,
                is_cloexec,
            } => self.replaced(pid, tid, fd, new, is_cloexec, place),
            Effect::CloseRange { first, last, flags } => {
                self.range_closed(tid, first, last, flags, place);
            }
            Effect::SetCloexec { fd, on } => {
                self.ensure_open(tid, fd);
                let cmd = Fcntl::SetFd(if on { flags::FD_CLOEXEC } else { 0 });
                self.follow(tid, &Syscall::Fcntl { fd, cmd }, place);
            }
            Effect::Unshare { flags } => self.follow(tid, &Syscall::Unshare { flags }, place),
            Effect::Send { ref rights } => {
                self.sent(tid, rights, place.args);
            }
            Effect::Receive {
                ref rights,
                is_cloexec,
            } => self.received(pid, tid, rights, is_cloexec, place.args),
            Effect::GetFd { pidfd, target, new } => self.fetched(pid, tid, pidfd, target, new),
            Effect::Register { ring, ref files } => self.registered_in_ring(tid, ring, files),
            _ => {}
        }
    }

    fn duplicated(
        &mut self,
        pid: u32,
        tid: Tid,
        fd: Fd,
        new: Fd,
        is_cloexec: bool,
        place: &Place<'_>,
    ) {
        self.vacate(tid, new);
        let cmd = if is_cloexec {
            Fcntl::DupFdCloexec(0)
        } else {
            Fcntl::DupFd(0)
        };
        let call = Syscall::Fcntl { fd, cmd };
        let site_fn = || place.site();
        let _ = (self.worlds).call(tid, &call, &[new], Weight::Result, site_fn);
        self.fd_taken(pid, tid, new);
        self.note_duplicate(tid, new);
    }

    /// Performs a call whose result nobody acts on.
    fn follow(&mut self, tid: Tid, call: &Syscall, place: &Place<'_>) {
        let _ = (self.worlds).call(tid, call, &[], Weight::Notice, || place.site());
    }

    /// A new file of its own gets an fd.
    pub(crate) fn opened(&mut self, pid: u32, tid: Tid, fd: Fd, made: Made, is_cloexec: bool) {
        if fd.0 < 0 {
            return;
        }
        self.vacate(tid, fd);
        self.worlds.open(tid, fd, made == Made::Epoll, is_cloexec);
        self.label(tid, fd, made, Some(self.line));
        if made == Made::Epoll {
            self.findings.summary.instances += 1;
            let base = self.worlds.base();
            if let Some(epoll) = base.fd(tid, fd).and_then(|file| base.epoll_of(file)) {
                self.coverage.new_instance(epoll);
                self.forget_instance(epoll);
            }
        }
        self.fd_taken(pid, tid, fd);
    }

    /// An fd was made by dup, dup2, dup3 or fcntl.
    pub(super) fn note_duplicate(&mut self, tid: Tid, fd: Fd) {
        let table = self.process_and_table(tid).1;
        (self.sharing.duplicates).insert(table, fd, (), MAX_REMEMBERED);
    }

    /// An fd was closed.
    pub(super) fn forget_duplicate(&mut self, tid: Tid, fd: Fd) {
        let table = self.process_and_table(tid).1;
        self.sharing.duplicates.remove(table, fd);
    }
}
