//! Instances that reach a program which never uses them.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{Leak, MAX_REMEMBERED};
use crate::verdict::{Class, Severity};
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
        self.sharing.leaks.retain(|leak| leak.table != view.table);
        for (fd, epoll) in instances {
            if self.sharing.leaks.len() >= MAX_REMEMBERED {
                return;
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
            self.sharing.leaks.push(Leak {
                table: view.table,
                fd,
                finding,
            });
        }
    }

    /// A task uses an instance: it is no leak.
    pub(crate) fn note_use(&mut self, tid: Tid, epfd: Fd) {
        if self.sharing.leaks.is_empty() {
            return;
        }
        let table = self.process_and_table(tid).1;
        self.sharing
            .leaks
            .retain(|leak| (leak.table, leak.fd) != (table, epfd));
    }

    /// A table is gone: the instances it never used were leaked. All else that is kept by table goes too, because
    /// another table may get its id.
    pub(crate) fn end_leaks_of(&mut self, table: TableId) {
        let leaks = &mut self.sharing.leaks;
        for leak in leaks.extract_if(.., |leak| leak.table == table) {
            self.findings.add(leak.finding);
        }
        self.sharing.dead.forget_table(table);
        self.sharing.races.retain(|race| race.table != table);
        self.sharing.duplicates.forget_table(table);
        self.sharing.refused.forget_table(table);
        self.heed.forget_table(table);
        self.sharing.copies.remove(&table);
    }
}
