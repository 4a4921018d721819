//! Faults of an instance that several processes have.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{MAX_REMEMBERED, Theft};
use crate::verdict::{Class, Finding, Severity, Step};
use eventpoll::{EpitemId, EpollId, Fd, TableId, Tid};

impl Judge {
    /// A registration was reported to a process that did not make it.
    pub(crate) fn note_foreign_report(&mut self, id: EpitemId, tid: Tid, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(history) = self.registrations.get(id) else {
            return;
        };
        let (epoll, fd, file, owner) = (history.epoll, history.fd, history.file, history.owner);
        let base = self.worlds.base();
        // The owner is gone, or has given the fd up: the others may well take its events.
        if base.fd_in(owner, fd) != Some(file) {
            return;
        }
        let key = (epoll, owner, table);
        if self.sharing.thefts.contains_key(&key) || self.sharing.thefts.len() >= MAX_REMEMBERED {
            return;
        }
        let has_it_too = base.fd_in(table, fd) == Some(file);
        let steps = history.steps_and(place.step("reported to another process"));
        let (class, pid, summary, fix) = if has_it_too {
            let summary = format!(
                "process {process} takes events of fd {fd} that process {} registered and waits for",
                history.pid
            );
            let fix = "give each process an instance of its own, made after the fork";
            (Class::EventTheft, history.pid, summary, fix)
        } else {
            let summary = format!(
                "process {process} is told of fd {fd}, which only process {} has: in {process} it is closed, or names another file",
                history.pid
            );
            let fix =
                "make a new instance after the fork; what one process registers is reported to all";
            (Class::ForeignEntry, process, summary, fix)
        };
        let instance = self.instance(epoll);
        let finding = FindingDraft {
            class,
            severity: Severity::Fault,
            pid,
            fd,
            instance,
            summary,
            steps,
            fix,
        }
        .finding();
        let has_waited = (self.sharing.waited.get(&epoll)).is_some_and(|it| it.contains(&owner));
        // An owner that never waits has left the loop to the other process.
        let theft = if class == Class::EventTheft && !has_waited {
            self.sharing.newest_theft = Some(key);
            Theft::Suspected(Box::new(finding))
        } else {
            self.findings.add(finding);
            Theft::Found
        };
        self.sharing.thefts.insert(key, theft);
    }

    /// A process waits on an instance for the first time: it waits for the events that others took.
    pub(super) fn note_owner_waits(&mut self, epoll: EpollId, owner: TableId) {
        let thefts = self.sharing.thefts.iter_mut();
        let its = thefts.filter(|((of, by, _), _)| (*of, *by) == (epoll, owner));
        let mut found: Vec<Finding> = its
            .filter_map(|(_, theft)| match std::mem::replace(theft, Theft::Found) {
                Theft::Suspected(finding) => Some(*finding),
                Theft::Found => None,
            })
            .collect();
        found.sort_by_key(|finding| finding.story.last().map(|step| step.site.line));
        for finding in found {
            self.findings.add(finding);
        }
    }

    /// An ADD failed with EEXIST: another process has registered the same file and fd.
    pub(super) fn found_foreign_key(
        &mut self,
        known: Option<EpitemId>,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let summary_fn = |other| {
            format!(
                "process {process} cannot register fd {fd}: in the instance it shares, process {other} has done so already"
            )
        };
        let kind = (Class::ForeignEntry, Severity::Fault);
        let step = place.step("refused: the key is taken by another process");
        let fix = "make a new instance after the fork";
        self.found_taken_key(known, (process, fd), kind, step, summary_fn, fix);
    }

    /// An ADD failed with EEXIST, and its answer was all that the program wanted.
    pub(super) fn found_kcmp_idiom(
        &mut self,
        known: Option<EpitemId>,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let summary_fn = |other| {
            format!(
                "process {process} learns from EEXIST that its fd {fd} and the one process {other} registered are the same file"
            )
        };
        let kind = (Class::EpollAsKcmp, Severity::Note);
        let step = place.step("EEXIST says: the same file");
        let fix = "ask with fcntl(F_DUPFD_QUERY) or kcmp(KCMP_FILE); policies that add the table to the key break this";
        self.found_taken_key(known, (process, fd), kind, step, summary_fn, fix);
    }

    /// What two processes make of one key; `summary_fn` is told who had it first.
    fn found_taken_key(
        &mut self,
        known: Option<EpitemId>,
        (pid, fd): (u32, Fd),
        (class, severity): (Class, Severity),
        step: Step,
        summary_fn: impl Fn(u32) -> String,
        fix: &'static str,
    ) {
        let Some(history) = known.and_then(|id| self.registrations.get(id)) else {
            return;
        };
        let finding = FindingDraft {
            class,
            severity,
            pid,
            fd,
            instance: self.instance(history.epoll),
            summary: summary_fn(history.pid),
            steps: history.steps_and(step),
            fix,
        };
        self.findings.add(finding.finding());
    }

    /// The log is over: instances that were never used were leaked. A theft whose owner has not waited is none.
    pub(crate) fn end_sharing(&mut self) {
        for leak in std::mem::take(&mut self.sharing.leaks) {
            self.findings.decide(leak.suspicion, leak.finding);
        }
    }

    /// A new instance has the id of one that is gone: what is kept by instance is forgotten.
    pub(crate) fn forget_instance(&mut self, epoll: EpollId) {
        self.sharing.waited.remove(&epoll);
        self.sharing.signalfds.remove(&epoll);
        self.sharing.told_deaf.remove(&epoll);
        self.sharing.thefts.retain(|(of, ..), _| *of != epoll);
        self.sharing.removed.retain(|(of, _), _| *of != epoll);
        self.unseen.forget_instance(epoll);
        self.heed.forget_instance(epoll);
    }
}
