//! What the program notices of a fault, and calls of two processes that cross.

use crate::deed::{CtlOp, Deed, Made, control};
use crate::judge::Judge;
use crate::labels::Label;
use crate::sharing::MAX_REMEMBERED;
use crate::site::{Place, Site};
use crate::verdict::{Class, Severity, Step};
use eventpoll::{EpollId, Fd, FileId, TableId, Tid};
use polter_trace::Args;

impl Judge {
    /// What another process removed, with the place of its finding.
    pub(crate) fn remember_removed(
        &mut self,
        epoll: EpollId,
        fd: Fd,
        owner: TableId,
        finding: Option<usize>,
    ) {
        if let Some(finding) = finding
            && self.sharing.removed.len() < MAX_REMEMBERED
        {
            self.sharing.removed.insert((epoll, fd), (owner, finding));
        }
    }

    /// A MOD or DEL finds nothing: because another process has removed it?
    pub(crate) fn note_symptom(&mut self, tid: Tid, epoll: EpollId, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let removed = self.sharing.removed.get(&(epoll, fd));
        let Some((_, finding)) = removed.copied().filter(|(owner, _)| *owner == table) else {
            return;
        };
        self.sharing.removed.remove(&(epoll, fd));
        let step = place.step("fails for it: what this process registered is gone");
        self.book.add_step(finding, step);
        if self.sharing.hurt.len() < MAX_REMEMBERED {
            self.sharing.hurt.insert(process, finding);
        }
    }

    /// A process is killed: by its own hand, after a call failed that it took for granted?
    pub(crate) fn note_abort(&mut self, pid: u32, tid: Tid, signal: &[u8]) {
        let process = self.process_and_table(tid).0;
        let Some(finding) = self.sharing.hurt.remove(&process) else {
            return;
        };
        if signal == b"SIGABRT" {
            let site = Site {
                line: self.line,
                pid,
                text: "+++ killed by SIGABRT +++".to_owned(),
                stack: Vec::new(),
            };
            let what = "the process aborts".to_owned();
            self.book.add_step(finding, Step { what, site });
        }
    }

    /// A DEL has begun.
    pub(crate) fn removal_begun(&mut self, pid: u32, tid: Tid, args: Args<'_>) {
        let Some(Deed::Ctl {
            epfd,
            op: CtlOp::Del,
            fd,
            ..
        }) = control(args)
        else {
            return;
        };
        let base = self.worlds.base();
        let epoll = base.fd(tid, epfd).and_then(|file| base.epoll_of(file));
        if let Some((epoll, file)) = epoll.zip(base.fd(tid, fd)) {
            self.tasks.begin_removal(pid, (epoll, file, fd));
        }
    }

    /// A DEL that finds nothing may have been overtaken by one that has not returned.
    pub(crate) fn is_being_removed(&self, pid: u32, epoll: EpollId, file: FileId, fd: Fd) -> bool {
        let mut removals = self.tasks.removals();
        removals.any(|(other, removal)| other != pid && *removal == (epoll, file, fd))
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
