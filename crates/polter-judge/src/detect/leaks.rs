//! Instances that reach a program which never uses them.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{Leak, MAX_REMEMBERED};
use crate::verdict::{Class, Finding, Severity};
use eventpoll::{EpollId, Fd, TableId, Tid};

impl Judge {
    /// A process has exec'ed: each instance that it still has is leaked, unless the new program uses it.
    pub(crate) fn note_leaks(&mut self, tid: Tid, process: u32, place: &Place<'_>) {
        let base = self.worlds.base();
        let Some(view) = base.task(tid) else { return };
        let instances: Vec<(Fd, EpollId)> = base
            .fds(tid)
            .filter_map(|(fd, file, _)| Some((fd, base.epoll_of(file)?)))
            .collect();
        // The next program has them too: a suspicion goes on.
        let leaks = &mut self.sharing.leaks;
        let old: Vec<Leak> = leaks
            .extract_if(.., |leak| leak.table == view.table)
            .collect();
        let mut told: Vec<Leak> = (old.into_iter())
            .filter(|leak| leak.suspicion.is_some())
            .collect();
        for (fd, epoll) in instances {
            if self.sharing.leaks.len() >= MAX_REMEMBERED {
                break;
            }
            let instance = self.instance(epoll);
            let summary = format!(
                "the program that process {process} exec'ed holds instance {fd} of process {} and never uses it: what \
                 is registered there stays alive with it",
                instance.pid
            );
            let steps =
                vec![place.step("the instance, not close-on-exec, reaches the new program")];
            let fix = "make the instance with EPOLL_CLOEXEC";
            let finding = FindingDraft {
                class: Class::LeakedEpoll,
                severity: Severity::Fault,
                pid: process,
                fd,
                instance,
                summary,
                steps,
                fix,
            }
            .finding();
            let is_same = |old: &mut Leak| old.fd == fd && old.finding.instance == finding.instance;
            let suspicion = (told.extract_if(.., is_same).next()).and_then(|old| old.suspicion);
            if let Some(at) = suspicion {
                self.findings.replace(at, finding.clone());
            }
            self.sharing.leaks.push(Leak {
                table: view.table,
                fd,
                finding,
                since: self.time,
                suspicion,
            });
        }
        for leak in told {
            self.findings.withdraw(leak.suspicion);
        }
    }

    /// Time passes: an instance that the program has not used since the last time is suspected.
    pub(crate) fn suspect_leaks(&mut self) {
        let leaks = self.sharing.leaks.iter_mut();
        for leak in leaks.filter(|leak| leak.suspicion.is_none() && leak.since < self.time) {
            let Finding { pid, instance, .. } = &leak.finding;
            if (self.findings).may_suspect(Class::LeakedEpoll, *pid, instance) {
                leak.suspicion = self.findings.suspect(leak.finding.clone());
            }
        }
    }

    /// A task uses an instance: it is no leak.
    pub(crate) fn note_use(&mut self, tid: Tid, epfd: Fd) {
        if self.sharing.leaks.is_empty() {
            return;
        }
        let table = self.process_and_table(tid).1;
        let leaks = &mut self.sharing.leaks;
        for leak in leaks.extract_if(.., |leak| (leak.table, leak.fd) == (table, epfd)) {
            self.findings.withdraw(leak.suspicion);
        }
    }

    /// A table is gone: the instances it never used were leaked. All else that is kept by table goes too, because
    /// another table may get its id.
    pub(crate) fn end_leaks_of(&mut self, table: TableId) {
        let leaks = &mut self.sharing.leaks;
        for leak in leaks.extract_if(.., |leak| leak.table == table) {
            self.findings.decide(leak.suspicion, leak.finding);
        }
        self.sharing.removed.retain(|_, (owner, _)| *owner != table);
        (self.sharing.thefts).retain(|(_, owner, reader), _| *owner != table && *reader != table);
        self.sharing.dead.forget_table(table);
        self.sharing.races.retain(|race| race.table != table);
        self.sharing.duplicates.forget_table(table);
        self.sharing.refused.forget_table(table);
        self.heed.forget_table(table);
        self.sharing.copies.remove(&table);
    }
}
