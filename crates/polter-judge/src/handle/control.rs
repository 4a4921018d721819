//! `epoll_ctl(2)`: registrations made, changed and removed, and what its errors tell.

use crate::input::{CtlOp, Effect, Place, contains, control, ctl, is_edge};
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{RegistrationHistory, Streak, Weight, WorldSet, not_found};
use crate::verdict::{Class, Severity};
use eventpoll::syscall::Ioctl;
use eventpoll::{EpitemId, EpollId, Errno, Fd, FileId, Syscall, Tid};
use polter_trace::Args;

impl Judge {
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of epoll_ctl and where it stands"
    )]
    pub(crate) fn controlled(
        &mut self,
        pid: u32,
        tid: Tid,
        epfd: Fd,
        op: CtlOp,
        fd: Fd,
        data: Option<u64>,
        place: &Place<'_>,
    ) {
        let errno = place.returned.and_then(|returned| returned.errno);
        match errno {
            None | Some("EEXIST" | "ENOENT") => {}
            Some("EBADF") => return self.found_bad_control(tid, epfd, fd, place),
            Some("EINVAL") => return self.note_failed_wait(tid, epfd, place),
            Some(_) => return,
        }
        let is_opened = self.worlds.base().fd(tid, fd).is_some();
        let (Some(epoll), Some(file)) = (
            self.ensure_epoll(pid, tid, epfd),
            self.ensure_open(pid, tid, fd),
        ) else {
            return;
        };
        // Every program has its first three.
        if !is_opened && fd.0 > 2 {
            self.coverage.unseen_opens.note(place.line);
        }
        self.note_use(tid, epfd);
        self.tasks.end_del(pid);
        if errno == Some("ENOENT") && self.is_being_removed(pid, epoll, file, fd) {
            return;
        }
        let data = data.unwrap_or(0);
        let known = self.reconcile(tid, epoll, epfd, op, file, fd, data, errno, place);
        let weight = self.explain_control(tid, epoll, op, fd, file, known, errno, place);
        let call = ctl(epfd, op, fd, data);
        let process = self.process_and_table(tid).0;
        let (history, present) = self.history_of(known);
        self.confirm_policy_removals(history, process);
        let site_fn = || place.site();
        let (result, broken) = (self.worlds).call_about(history, tid, &call, &[], weight, site_fn);
        self.policy_removals.note_breaks(history, broken);
        if errno.is_none() && op != CtlOp::Add {
            let late = self.policy_removals.take_possible(history).without(broken);
            (self.worlds).note_other_order(late, || not_found(place.site()));
        }
        if result != self.logged(errno) {
            self.findings.warn(place.line, 0, || {
                "the model answers otherwise than the log; its lines do not fit".to_string()
            });
        }
        match (op, result) {
            (CtlOp::Add, Ok(_)) => self.register(pid, tid, epfd, fd, data, Some(place)),
            (CtlOp::Mod, Ok(_)) => {
                if let Some(id) = known {
                    self.registrations.index(epoll, data, id);
                    if let Some(history) = self.registrations.get_mut(id) {
                        (history.data, history.is_edge) = (data, is_edge(Some(place)));
                    }
                }
            }
            (CtlOp::Del, Ok(_)) => {
                if let Some(task) = self.tasks.get_mut(pid) {
                    task.batch.remove(fd);
                }
                if let Some(id) = known {
                    self.remember_del(id, process, present, place);
                    self.removed(id);
                    self.settle_policy_removals(process, Some(file));
                }
            }
            _ => {}
        }
    }

    /// The story of a registration, and the worlds that have it.
    fn history_of(&self, id: Option<EpitemId>) -> (u64, WorldSet) {
        let history = id.and_then(|id| self.registrations.get(id));
        history.map_or((0, WorldSet::default()), |history| {
            (
                history.id,
                self.worlds.having(history.id, &history.in_worlds),
            )
        })
    }

    /// Brings Linux's world to where the log's result can come from. Gives
    /// the registration the call finds, if there is one.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of epoll_ctl and what is known of them"
    )]
    fn reconcile(
        &mut self,
        tid: Tid,
        epoll: EpollId,
        epfd: Fd,
        op: CtlOp,
        file: FileId,
        fd: Fd,
        data: u64,
        errno: Option<&str>,
        place: &Place<'_>,
    ) -> Option<EpitemId> {
        let known = self
            .worlds
            .base()
            .find_registration(tid, epoll, file, fd)
            .map(|r| r.id);
        let is_there = !matches!((op, errno), (CtlOp::Add, None) | (_, Some("ENOENT")));
        match (known, is_there) {
            (Some(id), false) => {
                // Its end was not in the log.
                self.findings.warn(place.line, 0, || {
                    format!("the registration of {fd} seemed to be there still")
                });
                self.removed(id);
                self.policy_removals.require_full_scan();
                self.worlds.each(|kernel| {
                    kernel.call(tid, &ctl(epfd, CtlOp::Del, fd, 0));
                });
                None
            }
            (None, true) => {
                // It was made before the log began.
                self.findings.summary.assumed += 1;
                self.coverage.unseen_add(epoll, place.line);
                self.worlds.each(|kernel| {
                    kernel.call(tid, &ctl(epfd, CtlOp::Add, fd, data));
                });
                self.register(place.pid, tid, epfd, fd, data, None);
                self.worlds
                    .base()
                    .find_registration(tid, epoll, file, fd)
                    .map(|r| r.id)
            }
            (known, _) => known,
        }
    }

    /// The explicit hand-over, which Linux refuses and one policy grants.
    pub(crate) fn adopted(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let base = self.worlds.base();
        if base
            .fd(tid, epfd)
            .is_some_and(|file| base.epoll_of(file).is_some())
        {
            let call = Syscall::Ioctl {
                fd: epfd,
                request: Ioctl::EpollAdopt,
            };
            let _ = self
                .worlds
                .call(tid, &call, &[], Weight::Result, || place.site());
        }
    }

    fn logged(&self, errno: Option<&str>) -> Result<i64, Errno> {
        errno.and_then(Errno::from_name).map_or(Ok(0), Err)
    }

    /// A registration was made: its story begins.
    pub(crate) fn register(
        &mut self,
        pid: u32,
        tid: Tid,
        epfd: Fd,
        fd: Fd,
        data: u64,
        place: Option<&Place<'_>>,
    ) {
        self.registrations.made += 1;
        let id = self.registrations.made;
        let in_worlds = self.worlds.record_registration(id, tid, epfd, fd);
        let Some(epitem) = in_worlds[0] else { return };
        let base = self.worlds.base();
        let registration = base.registration(epitem).expect("it was found just now");
        let (process, owner) = self.process_and_table(tid);
        if let Some(old) = self.registrations.remove(epitem) {
            self.registration_ended(&old);
        }
        let file = registration.file;
        let (epoll, added) = match place {
            Some(_) => (
                registration.epoll,
                self.note_shared_add(id, file, fd, process),
            ),
            None => (registration.epoll, None),
        };
        let history = RegistrationHistory {
            id,
            epoll,
            file,
            fd,
            owner,
            instance: self.instance(epoll),
            pid: process,
            steps: place
                .map(|place| place.step("registered"))
                .into_iter()
                .collect(),
            in_worlds,
            added,
            orphaned: None,
            ghost_events: 0,
            data,
            is_edge: is_edge(place),
            streak: Streak::default(),
        };
        self.unseen.forget(epoll, data);
        self.heed.forget_unknown(epoll, data);
        self.registrations.insert(epitem, data, history);
        self.registrations.clean_up(&self.worlds);
        if let Some(task) = self.tasks.get_mut(pid) {
            task.batch.register(fd);
        }
        self.note_registration(tid, epitem, file, place);
    }

    /// A registration was removed by DEL.
    fn removed(&mut self, id: EpitemId) {
        if let Some(history) = self.registrations.remove(id) {
            self.registration_ended(&history);
        }
    }

    /// Finds what a call's result says about numbers and processes, and how
    /// much another result would matter.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of epoll_ctl and what is known of them"
    )]
    fn explain_control(
        &mut self,
        tid: Tid,
        epoll: EpollId,
        op: CtlOp,
        fd: Fd,
        file: FileId,
        known: Option<EpitemId>,
        errno: Option<&str>,
        place: &Place<'_>,
    ) -> Weight {
        let (process, table) = self.process_and_table(tid);
        match (op, errno) {
            (CtlOp::Add, Some("EEXIST")) => {
                let Some(history) = known.and_then(|id| self.registrations.get(id)) else {
                    return Weight::Result;
                };
                if history.orphaned.is_some() {
                    self.found_errno_after_reuse(history.epoll, fd, known, place);
                } else if history.owner != table
                    && self.worlds.base().fd_in(history.owner, fd) == Some(file)
                {
                    // Who watches for nothing wants no events, only the answer.
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
            (CtlOp::Del, None) => {
                let Some(history) = known.and_then(|id| self.registrations.get(id)) else {
                    return Weight::Result;
                };
                let is_owners = history.owner == table;
                let is_live = self.worlds.base().fd_in(history.owner, fd) == Some(file);
                if !is_owners && is_live {
                    let summary = format!(
                        "process {process} removed what process {} had registered: {} is never woken for {fd} again",
                        history.pid, history.pid
                    );
                    let steps = [
                        history.steps.clone(),
                        vec![place.step("removed by another process")],
                    ]
                    .concat();
                    let (victim, owner) = (history.pid, history.owner);
                    let instance = self.instance(history.epoll);
                    let fix = "close the instance in the child before anything else, or let it make its own; never DEL \
                               through an inherited instance";
                    let finding = self.findings.add(
                        FindingDraft {
                            class: Class::ChildRemoves,
                            severity: Severity::Fault,
                            pid: victim,
                            fd,
                            instance,
                            summary,
                            steps,
                            fix,
                        }
                        .finding(),
                    );
                    self.remember_removed(epoll, fd, owner, finding);
                }
            }
            _ => {}
        }
        Weight::Result
    }

    /// A DEL has begun.
    pub(crate) fn del_begun(&mut self, pid: u32, tid: Tid, args: Args<'_>) {
        let Some(Effect::Ctl {
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
            self.tasks.begin_del(pid, (epoll, file, fd));
        }
    }

    /// A DEL that finds nothing may have been overtaken by one that has not returned.
    pub(crate) fn is_being_removed(&self, pid: u32, epoll: EpollId, file: FileId, fd: Fd) -> bool {
        let mut removals = self.tasks.dels();
        removals.any(|(other, removal)| other != pid && *removal == (epoll, file, fd))
    }
}
