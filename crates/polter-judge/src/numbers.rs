//! Numbers that outlive what they named: reused, stale, or an instance's that is closed.

use crate::batch::StaleUse;
use crate::deed::{Made, fd_at};
use crate::judge::Judge;
use crate::sharing::{Dead, KEPT_STEPS, MAX_REMEMBERED, new_finding};
use crate::site::Place;
use crate::verdict::{Class, Instance, Severity};
use eventpoll::{EpitemId, EpollId, Fd, Tid};
use polter_trace::Call;

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
        // The event said that there is something, and the file at its number has nothing.
        let has_nothing = Judge::has_failed_with(place, eventpoll::Errno::EAGAIN);
        let file = self.worlds.base().fd(tid, fd);
        let is_accepted = file
            .and_then(|file| self.labels.get(file))
            .is_some_and(|label| label.made == Made::Accepted);
        // A new file at the number may well be used on its own account: a connection is read at once, ready or not.
        let severity = if is_bad || (has_nothing && !is_accepted) {
            Severity::Fault
        } else {
            Severity::Note
        };
        let is_seen = stale.is_reused && (!stale.is_registered || has_nothing && !is_accepted);
        if !is_bad && !is_seen {
            return;
        }
        let what = match (is_bad, has_nothing) {
            (true, _) => "used after it was closed",
            (_, true) => "used, meaning another file by now, which has nothing",
            _ => "used, meaning another file by now",
        };
        let summary = format!(
            "an event of {fd} waited in the batch while {fd} was closed; it may be handled with state that is gone"
        );
        let steps = vec![stale.closed.clone(), place.step(what)];
        let instance = self.instance_of_batch(place.pid);
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
        let epoll = base.fd(tid, fd).and_then(|file| base.epoll_of(file));
        let dead = Dead {
            closed: place.step("the instance's number was closed"),
            instance: epoll.map(|epoll| self.instance(epoll)),
            reused: None,
        };
        self.sharing.newest_dead = Some((table, fd));
        (self.sharing.dead).insert(table, fd, dead, MAX_REMEMBERED);
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
        self.note_refused(tid, fd, place);
        if let Some(ghost) = ghost
            && let Some(story) = self.stories.get_mut(ghost)
            && story.steps.len() < KEPT_STEPS
        {
            story
                .steps
                .push(place.step("cannot be removed: the number is closed"));
        }
    }

    /// EBADF, or EINVAL for a number that names another kind of file: was it an instance before?
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

    pub(crate) fn found_dead_epoll(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(dead) = self.sharing.dead.get(table, epfd).cloned() else {
            return;
        };
        let instance = dead.instance(process, epfd);
        let summary = match dead.reused {
            Some(_) => format!(
                "{epfd} is used as an instance after it was closed, and names another file by now"
            ),
            None => format!(
                "{epfd} is used as an instance after it was closed; had it been reused, another file would be hit"
            ),
        };
        let mut steps = vec![dead.closed];
        steps.extend(dead.reused);
        steps.push(place.step("used all the same"));
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

    pub(crate) fn found_double_close(&mut self, pid: u32, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let dead = self.sharing.dead.get(table, fd);
        let Some(dead) = dead.filter(|dead| dead.reused.is_none()).cloned() else {
            return;
        };
        let instance = dead.instance(process, fd);
        let summary = format!(
            "instance {fd} is closed twice; a file that took the number in between would be lost"
        );
        let steps = vec![dead.closed, place.step("closed again")];
        let fix = "close an instance once, and forget its number";
        let finding = new_finding(
            Class::DeadEpollFd,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
        match self.tasks.get_mut(pid) {
            Some(task) => task.sweep.suspect(fd, finding),
            None => {
                self.book.find(finding);
            }
        }
    }

    /// A task makes a call: is what it closed too often part of a sweep?
    pub(crate) fn go_on_sweeping(&mut self, pid: u32, call: &Call<'_>) {
        let is_failed_close = call.name == "close" && call.returned.errno == Some("EBADF");
        let failed = (is_failed_close.then(|| fd_at(call.args, 0))).flatten();
        let task = self.tasks.get_mut(pid);
        if let Some(finding) = task.and_then(|task| task.sweep.go_on(failed)) {
            self.book.find(finding);
        }
    }

    pub(crate) fn end_sweeps(&mut self) {
        let mut findings = self.tasks.end_sweeps();
        findings.sort_by_key(|finding| finding.story.last().map(|step| step.site.line));
        for finding in findings {
            self.book.find(finding);
        }
    }

    /// The instance whose events a task handles.
    fn instance_of_batch(&self, pid: u32) -> Instance {
        let epoll = self.tasks.get(pid).and_then(|task| task.batch_of);
        let unknown = Instance {
            pid,
            fd: -1,
            line: None,
        };
        epoll.map_or(unknown, |epoll| self.instance(epoll))
    }
}
