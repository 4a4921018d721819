//! Fds that are used for a file they no longer name.

use crate::input::{Made, Place};
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{KEPT_STEPS, StaleUse};
use crate::verdict::{Class, Instance, Severity};
use eventpoll::{EpitemId, EpollId, Fd, Tid};

impl Judge {
    /// An fd is registered that has a ghost in the same instance.
    pub(super) fn found_fd_reuse(
        &mut self,
        ghost: EpitemId,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let Some(history) = self.registrations.get_mut(ghost) else {
            return;
        };
        let step = place.step("another file is registered under the same fd");
        let (mut steps, epoll) = (history.steps.clone(), history.epoll);
        steps.push(step.clone());
        if history.steps.len() < KEPT_STEPS {
            history.steps.push(step);
        }
        let summary = format!(
            "{fd} is registered twice, for an old file that lives on and for a new one: the old one's events are \
             taken for the new one's"
        );
        let instance = self.instance(epoll);
        let fix =
            "EPOLL_CTL_DEL before close, and put a generation beside the fd into the event's data";
        self.findings.add(
            FindingDraft {
                class: Class::NumberReuse,
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

    /// An `epoll_ctl` failed because of a registration from before the fd was closed.
    pub(super) fn found_errno_after_reuse(
        &mut self,
        epoll: EpollId,
        fd: Fd,
        known: Option<EpitemId>,
        place: &Place<'_>,
    ) {
        let told = place
            .returned
            .and_then(|returned| returned.errno)
            .unwrap_or("an error")
            .to_string();
        let mut steps = known
            .and_then(|id| self.registrations.get(id))
            .map_or_else(Vec::new, |history| history.steps.clone());
        steps.push(place.step("answered for the old registration"));
        let summary =
            format!("{told} for {fd}: a registration from before {fd} was closed is still there");
        let instance = self.instance(epoll);
        let fix =
            "EPOLL_CTL_DEL before close; do not guess from EEXIST or ENOENT what is registered";
        self.findings.add(
            FindingDraft {
                class: Class::ErrnoAfterReuse,
                severity: Severity::Fault,
                pid: place.pid,
                fd,
                instance,
                summary,
                steps,
                fix,
            }
            .finding(),
        );
    }

    /// A call uses the fd of a stale event: a fault if it hits a closed fd or another file.
    pub(crate) fn found_stale_use(
        &mut self,
        tid: Tid,
        fd: Fd,
        stale: &StaleUse,
        place: &Place<'_>,
    ) {
        let process = self.process_and_table(tid).0;
        let is_bad = Judge::has_failed_with(place, eventpoll::Errno::EBADF);
        // EAGAIN: the event reported something, and the file that has its fd now has nothing.
        let has_nothing = Judge::has_failed_with(place, eventpoll::Errno::EAGAIN);
        let file = self.worlds.base().fd(tid, fd);
        let is_accepted = file
            .and_then(|file| self.labels.get(file))
            .is_some_and(|label| label.made == Made::Accepted);
        // A call on the new file may have nothing to do with the event: a program reads a new connection at once, and
        // gets EAGAIN.
        let severity = if is_bad || (has_nothing && !is_accepted) {
            Severity::Fault
        } else {
            Severity::Note
        };
        let is_seen = stale.is_reused && (!stale.is_registered || has_nothing && !is_accepted);
        if !is_bad && !is_seen {
            return;
        }
        let what = match (is_bad, has_nothing) {
            (true, _) => "used after it was closed",
            (_, true) => "used: it names another file by now, which has nothing",
            _ => "used: it names another file by now",
        };
        let summary = format!(
            "an event of {fd} waited in the batch while {fd} was closed; it may be handled with state that is gone"
        );
        let steps = vec![stale.closed.clone(), place.step(what)];
        let instance = self.instance_of_batch(place.pid);
        let fix =
            "look up each event's object again when its turn comes, or free it after the batch";
        self.findings.add(
            FindingDraft {
                class: Class::StaleBatch,
                severity,
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

    /// The instance whose events the task handles.
    fn instance_of_batch(&self, pid: u32) -> Instance {
        let epoll = self.tasks.get(pid).and_then(|task| task.batch_of);
        let unknown = Instance {
            pid,
            fd: -1,
            line: None,
        };
        epoll.map_or(unknown, |epoll| self.instance(epoll))
    }
}
