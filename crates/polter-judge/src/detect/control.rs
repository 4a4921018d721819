//! What an `epoll_ctl` shows by its result.

use crate::handle::Control;
use crate::input::{CtlOp, Place, contains};
use crate::judge::Judge;
use crate::state::{FindingDraft, Weight};
use crate::verdict::{Class, Severity};
use eventpoll::EpitemId;

impl Judge {
    /// Finds what the result says about the fd and other processes. Gives how much another result would matter.
    ///
    /// `known` is the registration that the call finds; the call is not performed yet.
    pub(crate) fn explain_control(
        &mut self,
        control: &Control<'_>,
        known: Option<EpitemId>,
        place: &Place<'_>,
    ) -> Weight {
        let Control {
            tid,
            epoll,
            fd,
            file,
            ..
        } = *control;
        let (process, table) = self.process_and_table(tid);
        match (control.op, control.errno) {
            (CtlOp::Add, Some("EEXIST")) => {
                let Some(history) = known.and_then(|id| self.registrations.get(id)) else {
                    return Weight::Result;
                };
                if history.orphaned.is_some() {
                    self.found_errno_after_reuse(history.epoll, fd, known, place);
                } else if history.owner != table
                    && self.worlds.base().fd_in(history.owner, fd) == Some(file)
                {
                    // An ADD that asks for no events is made for its answer alone.
                    let is_question = place
                        .args
                        .get(3)
                        .is_some_and(|event| contains(event.raw, b"{events=0,"));
                    if is_question || self.sharing.is_duplicate(table, fd) {
                        self.found_kcmp_idiom(known, process, fd, place);
                        return Weight::Answer;
                    }
                    self.found_foreign_key(known, process, fd, place);
                }
            }
            (CtlOp::Mod | CtlOp::Del, Some("ENOENT")) => {
                self.note_symptom(tid, epoll, fd, place);
                let ghost = self.ghosts.of_fd(&self.registrations, epoll, fd);
                if ghost.is_some() {
                    self.found_errno_after_reuse(epoll, fd, ghost, place);
                }
            }
            (CtlOp::Add, None) => {
                if let Some(ghost) = self.ghosts.of_fd(&self.registrations, epoll, fd) {
                    self.found_fd_reuse(ghost, process, fd, place);
                }
            }
            (CtlOp::Del, None) => self.note_foreign_del(control, known, place),
            _ => {}
        }
        Weight::Result
    }

    /// A DEL has removed a registration: was it another process's, which still has the file?
    fn note_foreign_del(
        &mut self,
        control: &Control<'_>,
        known: Option<EpitemId>,
        place: &Place<'_>,
    ) {
        let Control {
            tid,
            epoll,
            fd,
            file,
            ..
        } = *control;
        let (process, table) = self.process_and_table(tid);
        let Some(history) = known.and_then(|id| self.registrations.get(id)) else {
            return;
        };
        let is_live = self.worlds.base().fd_in(history.owner, fd) == Some(file);
        if history.owner == table || !is_live {
            return;
        }
        let (victim, owner) = (history.pid, history.owner);
        let finding = FindingDraft {
            class: Class::ChildRemoves,
            severity: Severity::Fault,
            pid: victim,
            fd,
            instance: self.instance(history.epoll),
            summary: format!(
                "process {process} removed the registration of fd {fd} that process {victim} had made: {victim} is never woken for it again"
            ),
            steps: history.steps_and(place.step("removed by another process")),
            fix: "close the instance in the child before anything else, or let it make its own; never DEL through an \
                  inherited instance",
        };
        let finding = self.findings.add(finding.finding());
        self.remember_removed(epoll, fd, owner, finding);
    }
}
