//! Fds of instances that are used after they were closed.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{Dead, KEPT_STEPS, MAX_REMEMBERED};
use crate::verdict::{Class, Severity, Site, Step};
use eventpoll::{Fd, TableId, Tid};

impl Judge {
    /// An fd is about to be closed: remembers it if it names an instance.
    pub(crate) fn note_dead_epfd(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let base = self.worlds.base();
        let is_epoll = base
            .fd(tid, fd)
            .is_some_and(|file| base.epoll_of(file).is_some());
        if !is_epoll {
            return;
        }
        let table = self.process_and_table(tid).1;
        let epoll = base.fd(tid, fd).and_then(|file| base.epoll_of(file));
        let dead = Dead {
            closed: place.step("the instance's fd was closed"),
            instance: epoll.map(|epoll| self.instance(epoll)),
            reused: None,
        };
        self.sharing.newest_dead = Some((table, fd));
        (self.sharing.dead).insert(table, fd, dead, MAX_REMEMBERED);
    }

    /// An `epoll_ctl` failed with EBADF: is the instance closed, or the fd that is registered?
    pub(crate) fn found_bad_control(&mut self, tid: Tid, epfd: Fd, fd: Fd, place: &Place<'_>) {
        if self.worlds.base().fd(tid, epfd).is_none() {
            return self.found_dead_epoll(tid, epfd, place);
        }
        // A ghost cannot be removed through an fd that is closed. The attempt belongs to its history.
        let base = self.worlds.base();
        let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) else {
            return;
        };
        let ghost = self.ghosts.of_fd(&self.registrations, epoll, fd);
        // EBADF for an fd that is open here: the log lacks its close.
        let named = base.fd(tid, fd);
        if named.is_some_and(|file| base.find_registration(tid, epoll, file, fd).is_some()) {
            self.coverage.unseen_closes.note(place.line);
        }
        self.note_refused(tid, fd, place);
        if let Some(ghost) = ghost
            && let Some(history) = self.registrations.get_mut(ghost)
            && history.steps.len() < KEPT_STEPS
        {
            history
                .steps
                .push(place.step("cannot be removed: the fd is closed"));
        }
    }

    /// A call failed with EBADF, or with EINVAL because the fd names no instance: was it one before?
    pub(crate) fn note_failed_wait(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let base = self.worlds.base();
        let file = base.fd(tid, epfd);
        let is_other = file.is_some_and(|file| base.epoll_of(file).is_none());
        let is_dead = match place.returned.and_then(|returned| returned.errno) {
            Some("EBADF") => true,
            Some("EINVAL") => is_other,
            _ => false,
        };
        if is_dead {
            self.found_dead_epoll(tid, epfd, place);
        }
    }

    /// An fd is used as an instance and names none: a fault if it named one before.
    pub(super) fn found_dead_epoll(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(dead) = self.sharing.dead.get(table, epfd).cloned() else {
            return;
        };
        let instance = dead.instance(process, epfd);
        let summary = match dead.reused {
            Some(_) => format!(
                "fd {epfd} is used as an instance after it was closed, and names another file by now"
            ),
            None => format!(
                "fd {epfd} is used as an instance after it was closed; if it had been reused, the call would hit another file"
            ),
        };
        let mut steps = vec![dead.closed];
        steps.extend(dead.reused);
        steps.push(place.step("used all the same"));
        let fix = "forget the instance's fd when you close it; after a fork that closes everything, make a new instance";
        self.findings.add(
            FindingDraft {
                class: Class::DeadEpollFd,
                severity: Severity::Fault,
                pid: process,
                fd: epfd,
                instance,
                summary,
                steps,
                fix,
            }
            .finding(),
        );
    }

    /// A close failed with EBADF: a fault if the fd named an instance, unless it is one of a sweep.
    pub(crate) fn found_double_close(&mut self, pid: u32, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let dead = self.sharing.dead.get(table, fd);
        let Some(dead) = dead.filter(|dead| dead.reused.is_none()).cloned() else {
            return;
        };
        let instance = dead.instance(process, fd);
        let summary = format!(
            "instance {fd} is closed twice; a file that took the fd in between would be closed instead"
        );
        let steps = vec![dead.closed, place.step("closed again")];
        let fix = "close an instance once, and forget its fd";
        let finding = FindingDraft {
            class: Class::DeadEpollFd,
            severity: Severity::Fault,
            pid: process,
            fd,
            instance,
            summary,
            steps,
            fix,
        }
        .finding();
        let now = self.time;
        match self.tasks.get_mut(pid) {
            Some(task) => task.sweep.suspect(fd, finding, now),
            None => {
                self.findings.add(finding);
            }
        }
    }

    /// The fd of a closed instance may have been given out. To another instance: the old one is forgotten. To any other
    /// file: this is a step of the fault.
    pub(super) fn note_dead_reused(&mut self, tid: Tid, table: TableId, fd: Fd) {
        let Some(dead) = self.sharing.dead.get_mut(table, fd) else {
            return;
        };
        let base = self.worlds.base();
        if base
            .fd(tid, fd)
            .is_some_and(|file| base.epoll_of(file).is_some())
        {
            return self.sharing.dead.remove(table, fd);
        }
        let site = Site {
            line: self.line,
            time: self.clock,
            pid: dead.closed.site.pid,
            text: format!("{fd} names another file"),
            stack: Vec::new(),
        };
        dead.reused.get_or_insert(Step {
            what: "the fd is given out again".to_string(),
            site,
        });
    }
}
