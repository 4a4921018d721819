//! What a program notices of a fault that another process made.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::MAX_REMEMBERED;
use crate::verdict::{Site, Step};
use eventpoll::{EpollId, Fd, TableId, Tid};

impl Judge {
    /// Remembers that another process removed a registration, with the index of its finding.
    pub(super) fn remember_removed(
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

    /// A MOD or DEL finds nothing. If another process has removed the registration, this is a step of that finding.
    pub(super) fn note_symptom(&mut self, tid: Tid, epoll: EpollId, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let removed = self.sharing.removed.get(&(epoll, fd));
        let Some((_, finding)) = removed.copied().filter(|(owner, _)| *owner == table) else {
            return;
        };
        self.sharing.removed.remove(&(epoll, fd));
        let step = place.step("fails: what this process registered is gone");
        self.findings.add_step(finding, step);
        if self.sharing.hurt.len() < MAX_REMEMBERED {
            self.sharing.hurt.insert(process, finding);
        }
    }

    /// A signal kills a process. An abort after such a failed call is a step of that finding.
    pub(crate) fn note_abort(&mut self, pid: u32, tid: Tid, signal: &[u8]) {
        let process = self.process_and_table(tid).0;
        let Some(finding) = self.sharing.hurt.remove(&process) else {
            return;
        };
        if signal == b"SIGABRT" {
            let site = Site {
                line: self.line,
                time: self.clock,
                pid,
                text: "+++ killed by SIGABRT +++".to_owned(),
                stack: Vec::new(),
            };
            let what = "the process aborts".to_owned();
            self.findings.add_step(finding, Step { what, site });
        }
    }
}
