//! Signalfds that report the wrong process's signals.

use crate::input::{Made, Place};
use crate::judge::Judge;
use crate::state::{Label, MAX_REMEMBERED};
use crate::verdict::{Class, Severity};
use eventpoll::{EpitemId, EpollId, Fd, FileId, Tid};

impl Judge {
    /// A wait on an instance: by whom, and is there a signalfd that is not theirs?
    pub(crate) fn note_wait(&mut self, tid: Tid, epfd: Fd, epoll: EpollId, place: &Place<'_>) {
        self.note_use(tid, epfd);
        let (process, table) = self.process_and_table(tid);
        let waited = self.sharing.waited.entry(epoll).or_default();
        if waited.len() < MAX_REMEMBERED {
            waited.insert(table);
        }
        let Some(signalfds) = self.sharing.signalfds.get(&epoll) else {
            return;
        };
        let foreign = signalfds
            .iter()
            .filter_map(|id| self.stories.get(*id))
            .find(|story| {
                story.epoll == epoll
                    && story.owner != table
                    && self
                        .labels
                        .get(story.file)
                        .is_some_and(|l| l.made == Made::Signalfd)
            });
        let Some(story) = foreign else { return };
        let (fd, owner) = (story.fd, story.pid);
        let steps = [
            story.steps.clone(),
            vec![place.step("another process waits on the instance")],
        ]
        .concat();
        let told = self.sharing.told_deaf.entry(epoll).or_default();
        if told.len() < MAX_REMEMBERED && told.insert(table) {
            let summary = format!(
                "signalfd {fd} was registered by process {owner}; process {process} is not woken by its own signals \
                 here, and its waits can make {owner} miss one"
            );
            let fix = "register the signalfd anew in the process that waits: DEL and ADD it there, or make a new \
                       instance after the fork";
            let instance = self.instance(epoll);
            self.find(
                Class::DeafSignalfd,
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

    /// A registration by one of several processes.
    pub(crate) fn note_registration(
        &mut self,
        tid: Tid,
        id: EpitemId,
        file: FileId,
        _place: Option<&Place<'_>>,
    ) {
        let _ = tid;
        if self
            .labels
            .get(file)
            .is_some_and(|label| label.made == Made::Signalfd)
            && let Some(epoll) = self.stories.get(id).map(|story| story.epoll)
        {
            let known = self.sharing.signalfds.entry(epoll).or_default();
            known.retain(|other| *other != id);
            known.truncate(MAX_REMEMBERED);
            known.push(id);
        }
    }

    /// A signalfd gets another mask; whoever else has it gets that too.
    pub(crate) fn mask_changed(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let base = self.worlds.base();
        let file = base.fd(tid, fd);
        let label = file.and_then(|file| self.labels.get(file));
        let Some((file, label)) = file.zip(label) else {
            return;
        };
        let is_foreign = label.made == Made::Signalfd && label.pid != process;
        let story = self.stories.of_file(file, |story| {
            story.owner != table && base.fd_in(story.owner, story.fd) == Some(file)
        });
        let Some(story) = story.filter(|_| is_foreign) else {
            return;
        };
        let Label { pid: owner, .. } = label;
        let summary = format!(
            "process {process} gives signalfd {fd}, which it has from process {owner}, a mask of its own: {owner} is told \
             of no signal that the new mask lacks"
        );
        let steps = [
            story.steps.clone(),
            vec![place.step("the mask is changed for both")],
        ]
        .concat();
        let (number, instance) = (story.fd, self.instance(story.epoll));
        let fix = "make a signalfd of its own in the child: signalfd(-1, …)";
        self.find(
            Class::DeafSignalfd,
            Severity::Fault,
            owner,
            number,
            instance,
            summary,
            steps,
            fix,
        );
    }
}
