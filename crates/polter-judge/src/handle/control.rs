//! `epoll_ctl(2)`: registrations made, changed and removed.

use crate::input::{Ctl, CtlOp, Place, ctl_args, ctl_call, is_edge};
use crate::judge::Judge;
use crate::state::{RegistrationHistory, Streak, Weight, WorldSet, not_found};
use eventpoll::syscall::Ioctl;
use eventpoll::{EpitemId, EpollId, Errno, Fd, FileId, Syscall, Tid};
use polter_trace::Args;

/// An `epoll_ctl`, with what its fds name in Linux's world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control<'a> {
    pub(crate) tid: Tid,
    pub(crate) epoll: EpollId,
    pub(crate) epfd: Fd,
    pub(crate) op: CtlOp,
    pub(crate) file: FileId,
    pub(crate) fd: Fd,
    pub(crate) data: u64,
    /// Its error in the log.
    pub(crate) errno: Option<&'a str>,
}

impl Judge {
    /// Handles an `epoll_ctl` that has ended.
    ///
    /// First Linux's world is brought to where the log's result is possible. Then the detectors read the result; they
    /// need the state from before the call. Then the call is performed in every world.
    pub(super) fn controlled(&mut self, pid: u32, tid: Tid, ctl: Ctl, place: &Place<'_>) {
        let Ctl { epfd, op, fd, data } = ctl;
        let errno = place.returned.and_then(|returned| returned.errno);
        match errno {
            None | Some("EEXIST" | "ENOENT") => {}
            Some("EBADF") => return self.found_bad_control(tid, epfd, fd, place),
            Some("EINVAL") => return self.note_failed_wait(tid, epfd, place),
            Some(_) => return,
        }
        let is_opened = self.worlds.base().fd(tid, fd).is_some();
        let (Some(epoll), Some(file)) = (self.ensure_epoll(tid, epfd), self.ensure_open(tid, fd))
        else {
            return;
        };
        // Every program begins with 0, 1 and 2 open.
        if !is_opened && fd.0 > 2 {
            self.coverage.unseen_opens.note(place.line);
        }
        self.note_use(tid, epfd);
        self.tasks.end_del(pid);
        if errno == Some("ENOENT") && self.is_being_removed(pid, epoll, file, fd) {
            return;
        }
        let control = Control {
            tid,
            epoll,
            epfd,
            op,
            file,
            fd,
            data: data.unwrap_or(0),
            errno,
        };
        let known = self.reconcile(&control, place);
        let weight = self.explain_control(&control, known, place);
        self.perform_control(pid, &control, known, weight, place);
    }

    /// Performs the call in every world, and follows what it did in Linux's.
    fn perform_control(
        &mut self,
        pid: u32,
        control: &Control<'_>,
        known: Option<EpitemId>,
        weight: Weight,
        place: &Place<'_>,
    ) {
        let Control {
            tid,
            epfd,
            op,
            fd,
            data,
            errno,
            ..
        } = *control;
        let call = ctl_call(epfd, op, fd, data);
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
        if result != logged(errno) {
            self.findings.warn(place.line, 0, || {
                "the model answers otherwise than the log; its lines do not fit".to_string()
            });
        }
        match (op, result) {
            (CtlOp::Add, Ok(_)) => self.register(pid, tid, epfd, fd, data, Some(place)),
            (CtlOp::Mod, Ok(_)) => {
                if let Some(id) = known {
                    self.registrations.index(control.epoll, data, id);
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
                    self.settle_policy_removals(process, Some(control.file));
                }
            }
            _ => {}
        }
    }

    /// The id of a registration, or 0, and the worlds that have it.
    fn history_of(&self, id: Option<EpitemId>) -> (u64, WorldSet) {
        let history = id.and_then(|id| self.registrations.get(id));
        history.map_or((0, WorldSet::default()), |history| {
            let present = self.worlds.having(history.id, &history.in_worlds);
            (history.id, present)
        })
    }

    /// Makes or removes the registration in every world if the log's result is impossible otherwise. Gives the
    /// registration that the call finds, if there is one.
    fn reconcile(&mut self, control: &Control<'_>, place: &Place<'_>) -> Option<EpitemId> {
        let Control {
            tid,
            epoll,
            epfd,
            op,
            file,
            fd,
            data,
            errno,
        } = *control;
        let base = self.worlds.base();
        let known = base.find_registration(tid, epoll, file, fd).map(|r| r.id);
        let is_there = !matches!((op, errno), (CtlOp::Add, None) | (_, Some("ENOENT")));
        match (known, is_there) {
            (Some(id), false) => {
                // The log lacks the call that ended it.
                self.findings.warn(place.line, 0, || {
                    format!("the registration of {fd} seemed to be there still")
                });
                self.removed(id);
                self.policy_removals.require_full_scan();
                self.worlds.each(|kernel| {
                    kernel.call(tid, &ctl_call(epfd, CtlOp::Del, fd, 0));
                });
                None
            }
            (None, true) => {
                // It was made before the log began.
                self.findings.summary.assumed += 1;
                self.coverage.unseen_add(epoll, place.line);
                self.worlds.each(|kernel| {
                    kernel.call(tid, &ctl_call(epfd, CtlOp::Add, fd, data));
                });
                self.register(place.pid, tid, epfd, fd, data, None);
                let base = self.worlds.base();
                base.find_registration(tid, epoll, file, fd).map(|r| r.id)
            }
            (known, _) => known,
        }
    }

    /// Begins the history of a registration that was just made in the worlds. `place` is the ADD, if the log shows it.
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
        let (epoll, file) = (registration.epoll, registration.file);
        let added = place.and_then(|_| self.note_shared_add(id, file, fd, process));
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
        self.note_registration(epitem, file);
    }

    /// A registration is gone from Linux's world by a DEL, seen or not.
    fn removed(&mut self, id: EpitemId) {
        if let Some(history) = self.registrations.remove(id) {
            self.registration_ended(&history);
        }
    }

    /// A call has begun: remembers what it removes, if it is a DEL.
    pub(super) fn del_begun(&mut self, pid: u32, tid: Tid, args: Args<'_>) {
        let ctl = ctl_args(args).filter(|ctl| ctl.op == CtlOp::Del);
        let Some(Ctl { epfd, fd, .. }) = ctl else {
            return;
        };
        let base = self.worlds.base();
        let epoll = base.fd(tid, epfd).and_then(|file| base.epoll_of(file));
        if let Some((epoll, file)) = epoll.zip(base.fd(tid, fd)) {
            self.tasks.begin_del(pid, (epoll, file, fd));
        }
    }

    /// True if another task is in a DEL of the same registration: this one finds nothing because that one was served
    /// first.
    pub(super) fn is_being_removed(&self, pid: u32, epoll: EpollId, file: FileId, fd: Fd) -> bool {
        let mut dels = self.tasks.dels();
        dels.any(|(other, del)| other != pid && *del == (epoll, file, fd))
    }

    /// `EPIOCADOPT`: a process takes an inherited instance over. Linux refuses it, one policy grants it.
    pub(super) fn adopted(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
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
}

/// The result of a call with this error in the log.
fn logged(errno: Option<&str>) -> Result<i64, Errno> {
    errno.and_then(Errno::from_name).map_or(Ok(0), Err)
}
