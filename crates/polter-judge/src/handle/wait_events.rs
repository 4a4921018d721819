//! Waits and what they report: each event is traced to its registration.

use crate::input::{Place, event_words};
use crate::judge::Judge;
use crate::state::{Origin, Wait, WorldSet};
use crate::verdict::{Break, Broken};
use eventpoll::{EpitemId, EpollId, Fd, TableId, Tid};

/// How many reports through a ghost become steps of its history; the others are only counted.
const KEPT_REPORTS: u64 = 1;

impl Judge {
    /// Handles the first half of a wait. The batch of the last wait ends here.
    pub(super) fn wait_begun(&mut self, pid: u32, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let line = place.line;
        let base = self.worlds.base();
        if let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) {
            let table = self.process_and_table(tid).1;
            self.tasks.begin_wait(pid, Wait { epoll, table, line });
            // Noted now, not only when it returns: a wait that a foreign signalfd never wakes has no second half.
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
        // Not what the fd names now: the call waited on what it named when it began.
        let begun = wait.as_ref().map_or(place.line, |wait| wait.line);
        let epoll = match wait {
            Some(wait) => {
                self.findings.summary.instances +=
                    u64::from(self.coverage.is_first_use(wait.epoll));
                wait.epoll
            }
            None => match self.ensure_epoll(tid, epfd) {
                Some(epoll) => epoll,
                None => return,
            },
        };
        self.note_wait(tid, epfd, epoll, place);
        let refusals = self.worlds.note_refused_waits(tid, epfd, || place.site());
        let table = self.process_and_table(tid).1;
        let mut fds = Vec::new();
        for data in event_words(events) {
            self.findings.summary.events += 1;
            if let Some(reports) = &mut self.reports {
                reports.push((epoll, data));
            }
            match self.registrations.origin(&self.worlds, epoll, data) {
                Origin::Unknown => {
                    self.findings.summary.unknown_events += 1;
                    self.coverage.unknown_event(epoll, data, since, place.line);
                    self.note_unknown_event(pid, epoll, data, tid, place);
                    if !self.coverage.is_being_made(data)
                        && !self.note_unseen_ghost(epoll, data, tid, begun, place)
                    {
                        self.note_unknown_unheeded(epoll, data, tid, place);
                    }
                }
                Origin::Several(newest) => {
                    self.findings.summary.ambiguous_events += 1;
                    self.note_ambiguous(epoll, data, place);
                    fds.extend(self.registrations.get(newest).map(|history| history.fd));
                }
                Origin::One(id) => {
                    fds.extend(self.registrations.get(id).map(|history| history.fd));
                    self.reported(id, tid, table, refusals, place);
                }
            }
        }
        if let Some(task) = self.tasks.get_mut(pid) {
            task.batch.begin(fds.into_iter(), place.line);
            task.batch_of = Some(epoll);
        }
    }

    /// An event came from one known registration.
    fn reported(
        &mut self,
        id: EpitemId,
        tid: Tid,
        table: TableId,
        refusals: WorldSet,
        place: &Place<'_>,
    ) {
        let is_ghost = self.is_ghost(id);
        let Some(history) = self.registrations.get_mut(id) else {
            return;
        };
        if is_ghost {
            history.ghost_events += 1;
            if history.ghost_events <= KEPT_REPORTS {
                history.steps.push(place.step("reported through the ghost"));
            }
            self.note_ghost_event(id);
        }
        let Some(history) = self.registrations.get(id) else {
            return;
        };
        let history_id = history.id;
        let process = self.process_and_table(tid).0;
        self.confirm_policy_removals(history_id, process);
        let Some(history) = self.registrations.get(id) else {
            return;
        };
        let (ids, fd) = (&history.in_worlds, history.fd);
        let first = history.steps.first().map(|step| &step.site);
        let break_fn = |depends_on_order| Break {
            site: place.site(),
            what: Broken::EventLost {
                fd: fd.0,
                registered: first.cloned().unwrap_or_else(|| place.site()),
            },
            depends_on_order,
        };
        let lost =
            (self.worlds).note_event(history_id, ids, is_ghost, refusals, || break_fn(false));
        self.policy_removals.note_breaks(history_id, lost);
        if !is_ghost {
            let late = self.policy_removals.take_possible(history_id).without(lost);
            (self.worlds).note_other_order(late, || break_fn(true));
        }
        if !is_ghost {
            self.note_unheeded(id, process, place);
        }
        if !is_ghost
            && self
                .registrations
                .get(id)
                .is_some_and(|history| history.owner != table)
        {
            self.note_foreign_report(id, tid, place);
        }
    }

    /// Several registrations have the same data. If one is a ghost, the program can take the old file's event for the
    /// new file's.
    fn note_ambiguous(&mut self, epoll: EpollId, data: u64, place: &Place<'_>) {
        let candidates: Vec<EpitemId> = self.registrations.candidates(epoll, data).to_vec();
        for id in candidates {
            if self.is_ghost(id)
                && let Some(history) = self.registrations.get_mut(id)
            {
                if history.ghost_events == 0 {
                    history.steps.push(
                        place.step(
                            "reported, by the ghost or by the new file: their data is the same",
                        ),
                    );
                }
                history.ghost_events += 1;
                self.note_ghost_event(id);
            }
        }
    }
}
