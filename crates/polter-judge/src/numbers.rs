//! Numbers that outlive what they named: reused, stale, or an instance's that is closed.

use crate::batch::StaleUse;
use crate::judge::Judge;
use crate::sharing::{KEPT_STEPS, MAX_REMEMBERED};
use crate::site::Place;
use crate::verdict::{Class, Instance, Severity};
use eventpoll::{EpitemId, EpollId, Fd, Tid};

impl Judge {
    pub(crate) fn found_number_reuse(
        &mut self,
        ghost: EpitemId,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let Some(story) = self.stories.get_mut(ghost) else {
            return;
        };
        let step = place.step("another file is registered under the same number");
        let (mut steps, epoll) = (story.steps.clone(), story.epoll);
        steps.push(step.clone());
        if story.steps.len() < KEPT_STEPS {
            story.steps.push(step);
        }
        let summary = format!(
            "{fd} is registered twice, for an old file that lives on and for a new one: the old one's events are \
             taken for the new one's"
        );
        let instance = self.instance(epoll);
        let fix = "EPOLL_CTL_DEL before close, and put a generation beside the number into the event's data";
        self.find(
            Class::NumberReuse,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_errno_after_reuse(
        &mut self,
        epoll: EpollId,
        fd: Fd,
        known: Option<EpitemId>,
        place: &Place<'_>,
    ) {
        let told = place
            .returned
            .and_then(|returned| returned.errno)
            .unwrap_or("an error")
            .to_string();
        let mut steps = known
            .and_then(|id| self.stories.get(id))
            .map_or_else(Vec::new, |story| story.steps.clone());
        steps.push(place.step("answered for the old registration"));
        let summary =
            format!("{told} for {fd}: a registration from before {fd} was closed is still there");
        let instance = self.instance(epoll);
        let fix =
            "EPOLL_CTL_DEL before close; do not guess from EEXIST or ENOENT what is registered";
        self.find(
            Class::ErrnoAfterReuse,
            Severity::Fault,
            place.pid,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_stale_use(
        &mut self,
        tid: Tid,
        fd: Fd,
        stale: &StaleUse,
        place: &Place<'_>,
    ) {
        let process = self.process_and_table(tid).0;
        let is_bad = Judge::has_failed_with(place, eventpoll::Errno::EBADF);
        // A new file at the number may well be used on its own account.
        let severity = if is_bad {
            Severity::Fault
        } else {
            Severity::Note
        };
        if !is_bad && !stale.is_reused {
            return;
        }
        let what = if is_bad {
            "used after it was closed"
        } else {
            "used, meaning another file by now"
        };
        let summary = format!(
            "an event of {fd} waited in the batch while {fd} was closed; it may be handled with state that is gone"
        );
        let steps = vec![stale.closed.clone(), place.step(what)];
        let instance = Instance {
            pid: process,
            fd: -1,
            line: None,
        };
        let fix =
            "look up each event's object again when its turn comes, or free it after the batch";
        self.find(
            Class::StaleBatch,
            severity,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    /// A number that names an instance is about to be closed.
    pub(crate) fn note_dead_number(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let base = self.worlds.base();
        let is_epoll = base
            .fd(tid, fd)
            .is_some_and(|file| base.epoll_of(file).is_some());
        if !is_epoll {
            return;
        }
        let table = self.process_and_table(tid).1;
        let step = place.step("the instance's number was closed");
        self.sharing.newest_dead = Some((table, fd));
        (self.sharing.dead).insert(table, fd, step, MAX_REMEMBERED);
    }

    pub(crate) fn found_bad_control(&mut self, tid: Tid, epfd: Fd, fd: Fd, place: &Place<'_>) {
        if self.worlds.base().fd(tid, epfd).is_none() {
            return self.found_dead_epoll(tid, epfd, place);
        }
        // A ghost cannot be removed through a number that is closed: part of its story.
        let base = self.worlds.base();
        let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) else {
            return;
        };
        let ghost = self.ghosts.of_number(&self.stories, epoll, fd);
        // A number that is registered can be named, unless it was closed.
        let named = base.fd(tid, fd);
        if named.is_some_and(|file| base.find_registration(tid, epoll, file, fd).is_some()) {
            self.coverage.unseen_closes.note(place.line);
        }
        if let Some(ghost) = ghost
            && let Some(story) = self.stories.get_mut(ghost)
            && story.steps.len() < KEPT_STEPS
        {
            story
                .steps
                .push(place.step("cannot be removed: the number is closed"));
        }
    }

    pub(crate) fn found_dead_epoll(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(closed) = self.sharing.dead.get(table, epfd).cloned() else {
            return;
        };
        let instance = Instance {
            pid: process,
            fd: epfd.0,
            line: None,
        };
        let summary = format!(
            "{epfd} is used as an instance after it was closed; had it been reused, another file would be hit"
        );
        let steps = vec![closed, place.step("used all the same")];
        let fix = "forget the instance's number when it is closed; after a fork that closes everything, make a new one";
        self.find(
            Class::DeadEpollFd,
            Severity::Fault,
            process,
            epfd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_double_close(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(closed) = self.sharing.dead.get(table, fd).cloned() else {
            return;
        };
        let instance = Instance {
            pid: process,
            fd: fd.0,
            line: None,
        };
        let summary = format!(
            "instance {fd} is closed twice; a file that took the number in between would be lost"
        );
        let steps = vec![closed, place.step("closed again")];
        let fix = "close an instance once, and forget its number";
        self.find(
            Class::DeadEpollFd,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }
}
