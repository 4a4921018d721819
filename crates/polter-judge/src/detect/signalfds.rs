//! Signalfds that report the wrong process's signals.

use crate::input::{Made, Place};
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{Label, MAX_REMEMBERED};
use crate::verdict::{Class, Severity};
use eventpoll::{EpitemId, EpollId, Fd, FileId, Tid};

impl Judge {
    /// A task waits on an instance: remembers it as a user, and asks if a signalfd in it is another process's.
    pub(crate) fn note_wait(&mut self, tid: Tid, epfd: Fd, epoll: EpollId, place: &Place<'_>) {
        self.note_use(tid, epfd);
        let (process, table) = self.process_and_table(tid);
        let waited = self.sharing.waited.entry(epoll).or_default();
        if waited.len() < MAX_REMEMBERED && waited.insert(table) && !self.sharing.thefts.is_empty()
        {
            self.note_owner_waits(epoll, table);
        }
        let Some(signalfds) = self.sharing.signalfds.get(&epoll) else {
            return;
        };
        let foreign = signalfds
            .iter()
            .filter_map(|id| self.registrations.get(*id))
            .find(|history| {
                history.epoll == epoll
                    && history.owner != table
                    && self
                        .labels
                        .get(history.file)
                        .is_some_and(|l| l.made == Made::Signalfd)
            });
        let Some(history) = foreign else { return };
        let (fd, owner) = (history.fd, history.pid);
        let steps = history.steps_and(place.step("another process waits on the instance"));
        let told = self.sharing.told_deaf.entry(epoll).or_default();
        if told.len() < MAX_REMEMBERED && told.insert(table) {
            let summary = format!(
                "signalfd {fd} was registered by process {owner}; process {process} is not woken by its own signals \
                 here, and its waits can make {owner} miss one"
            );
            let fix = "register the signalfd anew in the process that waits: DEL and ADD it there, or make a new \
                       instance after the fork";
            let instance = self.instance(epoll);
            self.findings.add(
                FindingDraft {
                    class: Class::DeafSignalfd,
                    severity: Severity::Fault,
                    pid: process,
                    fd,
                    instance,
                    summary,
                    steps,
                    fix,
                }
                .finding(),
            );
        }
    }

    /// A registration was made: remembers it if its file is a signalfd.
    pub(crate) fn note_registration(&mut self, id: EpitemId, file: FileId) {
        if self
            .labels
            .get(file)
            .is_some_and(|label| label.made == Made::Signalfd)
            && let Some(epoll) = self.registrations.get(id).map(|history| history.epoll)
        {
            let known = self.sharing.signalfds.entry(epoll).or_default();
            known.retain(|other| *other != id);
            known.truncate(MAX_REMEMBERED);
            known.push(id);
        }
    }

    /// A process changes the mask of a signalfd. If the file is another process's, its mask changes too.
    pub(crate) fn mask_changed(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let base = self.worlds.base();
        let file = base.fd(tid, fd);
        let label = file.and_then(|file| self.labels.get(file));
        let Some((file, label)) = file.zip(label) else {
            return;
        };
        let is_foreign = label.made == Made::Signalfd && label.pid != process;
        let history = self.registrations.of_file(file, |history| {
            history.owner != table && base.fd_in(history.owner, history.fd) == Some(file)
        });
        let Some(history) = history.filter(|_| is_foreign) else {
            return;
        };
        let Label { pid: owner, .. } = label;
        let summary = format!(
            "process {process} gives signalfd {fd}, which it has from process {owner}, a mask of its own: {owner} is told \
             of no signal that the new mask lacks"
        );
        let steps = history.steps_and(place.step("the mask is changed for both"));
        let (registered_fd, instance) = (history.fd, self.instance(history.epoll));
        let fix = "make a signalfd of its own in the child: signalfd(-1, …)";
        self.findings.add(
            FindingDraft {
                class: Class::DeafSignalfd,
                severity: Severity::Fault,
                pid: owner,
                fd: registered_fd,
                instance,
                summary,
                steps,
                fix,
            }
            .finding(),
        );
    }
}
