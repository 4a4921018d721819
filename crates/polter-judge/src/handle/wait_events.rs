//! Waits and what they report: each event is traced to its registration.

use crate::input::{Place, event_words};
use crate::judge::Judge;
use crate::state::{Origin, Wait, WorldSet};
use crate::verdict::{Break, Broken};
use eventpoll::{EpitemId, EpollId, Fd, TableId, Tid};

/// How many steps of reports a ghost's story keeps.
const KEPT_REPORTS: u64 = 1;

impl Judge {
    pub(crate) fn wait_begun(&mut self, pid: u32, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let line = place.line;
        let base = self.worlds.base();
        if let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) {
            let table = self.process_and_table(tid).1;
            self.tasks.begin_wait(pid, Wait { epoll, table, line });
            // It may never end: that is what being deaf is like.
            self.note_wait(tid, epfd, epoll, place);
        }
        if let Some(task) = self.tasks.get_mut(pid) {
            task.batch.begin(std::iter::empty(), line);
        }
    }

    /// A wait has ended; `events` is the text of the array.
    pub(crate) fn waited(
        &mut self,
        pid: u32,
        tid: Tid,
        epfd: Fd,
        events: &[u8],
        place: &Place<'_>,
    ) {
        let wait = self
            .tasks
            .get_mut(pid)
            .and_then(|task| task.waiting.clone());
        self.tasks.end_wait(pid);
        let since = wait.as_ref().map_or(place.line, |wait| wait.line);
        if place
            .returned
            .is_some_and(|returned| returned.errno.is_some())
        {
            self.note_failed_wait(tid, epfd, place);
            return;
        }
        // The number may name another file by now; the call waited on what it named then.
        let begun = wait.as_ref().map_or(place.line, |wait| wait.line);
        let epoll = match wait {
            Some(wait) => {
                self.book.log.instances += u64::from(self.coverage.is_first_use(wait.epoll));
                wait.epoll
            }
            None => match self.ensure_epoll(pid, tid, epfd) {
                Some(epoll) => epoll,
                None => return,
            },
        };
        self.note_wait(tid, epfd, epoll, place);
        let refusals = self.worlds.note_refused_waits(tid, epfd, || place.site());
        let table = self.process_and_table(tid).1;
        let mut fds = Vec::new();
        for data in event_words(events) {
            self.book.log.events += 1;
            match self.stories.origin(&self.worlds, epoll, data) {
                Origin::Unknown => {
                    self.book.log.unknown_events += 1;
                    self.coverage.unknown_event(epoll, data, since, place.line);
                    self.note_unknown_event(pid, epoll, data, tid, place);
                    if !self.note_unseen_ghost(epoll, data, tid, begun, place) {
                        self.note_unknown_unheeded(epoll, data, tid, place);
                    }
                }
                Origin::Several(newest) => {
                    self.book.log.ambiguous_events += 1;
                    self.note_ambiguous(epoll, data, place);
                    fds.extend(self.stories.get(newest).map(|story| story.fd));
                }
                Origin::One(id) => {
                    fds.extend(self.stories.get(id).map(|story| story.fd));
                    self.reported(id, tid, table, refusals, place);
                }
            }
        }
        if let Some(task) = self.tasks.get_mut(pid) {
            task.batch.begin(fds.into_iter(), place.line);
            task.batch_of = Some(epoll);
        }
    }

    /// An event came from one registration.
    fn reported(
        &mut self,
        id: EpitemId,
        tid: Tid,
        table: TableId,
        refusals: WorldSet,
        place: &Place<'_>,
    ) {
        let is_ghost = self.is_ghost(id);
        let Some(story) = self.stories.get_mut(id) else {
            return;
        };
        if is_ghost {
            story.ghost_events += 1;
            if story.ghost_events <= KEPT_REPORTS {
                story.steps.push(place.step("reported through the ghost"));
            }
        }
        let number = story.id;
        let process = self.process_and_table(tid).0;
        self.confirm_takings(number, process);
        let Some(story) = self.stories.get(id) else {
            return;
        };
        let (ids, fd) = (&story.in_worlds, story.fd);
        let first = story.steps.first().map(|step| &step.site);
        let break_fn = |depends_on_order| Break {
            site: place.site(),
            what: Broken::EventLost {
                fd: fd.0,
                registered: first.cloned().unwrap_or_else(|| place.site()),
            },
            depends_on_order,
        };
        let lost = (self.worlds).note_event(number, ids, is_ghost, refusals, || break_fn(false));
        self.takings.felt(number, lost);
        if !is_ghost {
            let late = self.takings.felt_in_another_order(number).without(lost);
            (self.worlds).note_other_order(late, || break_fn(true));
        }
        if !is_ghost {
            self.note_unheeded(id, process, place);
        }
        if !is_ghost
            && self
                .stories
                .get(id)
                .is_some_and(|story| story.owner != table)
        {
            self.note_foreign_report(id, tid, place);
        }
    }

    /// Several registrations have the same data. If one is a ghost, that is
    /// how an old file's event is taken for a new one's.
    fn note_ambiguous(&mut self, epoll: EpollId, data: u64, place: &Place<'_>) {
        let candidates: Vec<EpitemId> = self.stories.candidates(epoll, data).to_vec();
        for id in candidates {
            if self.is_ghost(id)
                && let Some(story) = self.stories.get_mut(id)
            {
                if story.ghost_events == 0 {
                    story.steps.push(
                        place.step(
                            "reported, by the ghost or by the new file: their data is the same",
                        ),
                    );
                }
                story.ghost_events += 1;
            }
        }
    }
}
