//! Ghosts kept by somebody the log does not show: a process, or a descriptor from before the log began.
//!
//! ```text
//!   epoll_ctl(3, ADD, 4)   close(4)   epoll_wait ─▶ 4     the log knows of no other copy of 4; there is one
//!   epoll_wait ─▶ 8        DEL 8 = EBADF   epoll_wait ─▶ 8     not even the ADD is in the log
//! ```
//! In Linux's world the close ends such a registration. That it is reported afterwards is the evidence.

use crate::input::{Place, fd_in_data};
use crate::judge::Judge;
use crate::state::{Departed, MAX_REMEMBERED, RegistrationHistory, UnseenGhost};
use crate::verdict::{Class, Finding, Instance, KeptBy, Severity, Step};
use eventpoll::{EpollId, Fd, Tid};

impl Judge {
    /// A registration ended with the last known reference to its file. Remembers it: an event of it would show that
    /// somebody else has the file.
    pub(super) fn note_departed(
        &mut self,
        history: RegistrationHistory,
        what: &str,
        place: &Place<'_>,
    ) {
        let (epoll, data, line) = (history.epoll, history.data, place.line);
        // An instance older than the log may have another registration with this data. Only data that is the fd itself
        // is evidence then.
        if history.instance.line.is_none() && fd_in_data(data) != history.fd {
            return;
        }
        let mut steps = history.steps;
        steps.push(place.step(what));
        let departed = Departed {
            instance: history.instance,
            pid: history.pid,
            fd: history.fd,
            steps,
            line,
        };
        self.unseen.remember((epoll, data), departed);
    }

    /// An event has no known registration: is it of one whose fd is closed? `begun` is the line on which its wait
    /// began. True if it is such a ghost.
    pub(crate) fn note_unseen_ghost(
        &mut self,
        epoll: EpollId,
        data: u64,
        tid: Tid,
        begun: u64,
        place: &Place<'_>,
    ) -> bool {
        let (key, instance) = ((epoll, data), self.instance(epoll));
        if let Some(ghost) = self.unseen.ghosts.get(&key) {
            if ghost.instance == instance {
                if let Some(finding) = ghost.finding {
                    self.findings.count_events(finding, 1);
                }
                self.worlds.note_unseen_ghost(0, 1);
                return true;
            }
            // The instance that had this id is gone, and its ghosts with it.
            self.unseen.ghosts.remove(&key);
        }
        let evidence = self.departed(key, &instance, tid, begun);
        let evidence = evidence.or_else(|| self.refused(key, tid, begun));
        let Some(evidence) = evidence else {
            return false;
        };
        let (fd, events) = (evidence.fd, evidence.events);
        let mut finding = unseen_ghost(evidence, instance.clone(), place);
        finding.mended_by = self.worlds.ending_with_the_fd();
        self.worlds.note_unseen_ghost(1, events);
        let finding = self.findings.add(finding);
        let ghost = UnseenGhost {
            instance,
            fd,
            finding,
            is_refused: false,
        };
        if self.unseen.ghosts.len() < MAX_REMEMBERED {
            self.unseen.ghosts.insert(key, ghost);
        }
        true
    }

    /// The log shows the ADD and the last close: the registration should be gone.
    fn departed(
        &mut self,
        key: (EpollId, u64),
        instance: &Instance,
        tid: Tid,
        begun: u64,
    ) -> Option<Evidence> {
        let departed = self.unseen.departed.get(&key)?;
        // A wait that was under way when the fd was closed is a race, no ghost. And if the fd is open again, a ring may
        // have registered what it names now.
        let is_open = self.worlds.base().fd(tid, departed.fd).is_some();
        let may_be_another = is_open && self.heed.has_ring();
        if departed.instance != *instance || begun <= departed.line || may_be_another {
            return None;
        }
        let departed = self.unseen.departed.remove(&key)?;
        Some(Evidence {
            pid: departed.pid,
            fd: departed.fd,
            steps: departed.steps,
            events: 1,
        })
    }

    /// The log does not show the ADD. But a call was refused because the fd is closed, and the same data was reported
    /// before and after.
    fn refused(&self, (epoll, data): (EpollId, u64), tid: Tid, begun: u64) -> Option<Evidence> {
        let (process, table) = self.process_and_table(tid);
        let fd = fd_in_data(data);
        let refused = self.sharing.refused.get(table, fd)?;
        let (events, first) = self.heed.unknown(epoll, data)?;
        let is_between = first.site.line < refused.site.line && begun > refused.site.line;
        is_between.then(|| Evidence {
            pid: process,
            fd,
            steps: vec![first.clone(), refused.clone()],
            events: events + 1,
        })
    }

    /// A call was refused because its fd is closed. Remembers it: the fd may still be registered.
    pub(crate) fn note_refused(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let table = self.process_and_table(tid).1;
        if fd.0 < 0 || self.worlds.base().fd(tid, fd).is_some() {
            return;
        }
        if self.sharing.refused.get(table, fd).is_none() {
            let step = place.step("refused: the fd is closed");
            (self.sharing.refused).insert(table, fd, step, MAX_REMEMBERED);
        }
        let ghosts = self.unseen.ghosts.values_mut();
        let found =
            ghosts.filter(|ghost| ghost.fd == fd && !ghost.is_refused && place.name == "epoll_ctl");
        for ghost in found {
            ghost.is_refused = true;
            if let Some(finding) = ghost.finding {
                let step = place.step("cannot be removed: the fd is closed");
                self.findings.add_step(finding, step);
            }
        }
    }
}

/// What shows that a registration lives on though its fd is closed.
struct Evidence {
    pid: u32,
    fd: Fd,
    steps: Vec<Step>,
    /// The events that were reported of it so far.
    events: u64,
}

fn unseen_ghost(evidence: Evidence, instance: Instance, place: &Place<'_>) -> Finding {
    let Evidence {
        pid,
        fd,
        mut steps,
        events,
    } = evidence;
    steps.push(place.step("reported all the same"));
    Finding {
        class: Class::UnseenGhost,
        severity: Severity::Fault,
        pid,
        fd: fd.0,
        instance,
        summary: format!(
            "{fd} is closed and not removed, and is reported all the same: somebody the log does not show keeps the \
             file alive"
        ),
        story: steps,
        holders: vec![KeptBy::Unknown],
        events,
        ended: None,
        fix: format!(
            "EPOLL_CTL_DEL {fd} before closing it; `polter scan {pid}` says who keeps the file"
        ),
        repeated: 0,
        mended_by: Vec::new(),
    }
}
