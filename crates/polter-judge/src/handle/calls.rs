//! From a call of the log to its handler.

use crate::input::{Effect, Place, clone_flags, control_data, effect_of, fd_at};
use crate::judge::Judge;
use eventpoll::Tid;
use polter_trace::{Call, Unfinished, escape};

impl Judge {
    /// Handles the first half of a call that strace split.
    ///
    /// Some calls take effect before they return: a close frees its fd at once, and a child may run before the clone
    /// returns. Others matter while they last: a wait can be raced, a DEL can be overtaken.
    pub(crate) fn begun(&mut self, pid: u32, line: u64, entry: &Unfinished<'_>) {
        let Some(tid) = self.present(pid) else { return };
        let process = self.process_and_table(tid).0;
        self.order.begun(process, entry.name, entry.args);
        match entry.name {
            "close" => {
                let Some(fd) = fd_at(entry.args, 0) else {
                    return;
                };
                let place = Place {
                    line,
                    clock: self.clock,
                    pid,
                    name: entry.name,
                    args: entry.args,
                    returned: None,
                };
                // A split close takes effect here. `closing` keeps `ended` from doing it again.
                self.coverage.close_begun(line);
                self.note_heed(tid, entry.name, entry.args, line);
                self.close(pid, tid, fd, &place);
                if let Some(task) = self.tasks.get_mut(pid) {
                    task.closing = Some(fd);
                }
            }
            "fork" | "clone" | "clone2" | "clone3" => {
                self.tasks.begin_birth(pid, clone_flags(entry.args.raw));
            }
            "vfork" => self.tasks.begin_birth(pid, 0),
            "sendmsg" | "sendmmsg" => self.send_begun(pid, tid, entry.args),
            "epoll_ctl" => {
                let data = control_data(entry.args);
                self.coverage.control_begun(pid, data);
                self.del_begun(pid, tid, entry.args);
            }
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
                if let Some(epfd) = fd_at(entry.args, 0) {
                    let place = Place {
                        line,
                        clock: self.clock,
                        pid,
                        name: entry.name,
                        args: entry.args,
                        returned: None,
                    };
                    self.wait_begun(pid, tid, epfd, &place);
                }
            }
            _ => {}
        }
    }

    /// Handles a call that has ended.
    pub(crate) fn ended(&mut self, pid: u32, line: u64, call: &Call<'_>) {
        self.findings.summary.calls += 1;
        self.coverage.call(pid, line, call);
        let Some(tid) = self.present(pid) else { return };
        let process = self.process_and_table(tid).0;
        let returned = call.returned.number();
        // Before any handler: what this call makes known happens before what it does.
        self.order.ended(process, call.name, call.args, returned);
        if let ("exit" | "exit_group", None) = (call.name, call.returned.number()) {
            return self.leaves(pid, tid, call.name == "exit_group");
        }
        // Before the effect, while the fds still name what the call was about.
        self.note_heed(tid, call.name, call.args, line);
        self.go_on_sweeping(pid, call);
        let has_failed = call.returned.errno.is_some();
        if self.send_ended(pid, call.name, has_failed) {
            self.findings.summary.followed += 1;
            return;
        }
        let was_closing = self.tasks.get_mut(pid).and_then(|task| task.closing.take());
        // A failed clone has no effect, but the lines that waited for its child need not wait any more.
        if has_failed && matches!(call.name, "fork" | "vfork" | "clone" | "clone2" | "clone3") {
            self.tasks.end_birth(pid);
            self.replay_born();
        }
        let Some(effect) = effect_of(call.name, call.args, &call.returned) else {
            self.tasks.end_wait(pid);
            return;
        };
        if let Effect::Touch { fd } = effect {
            if matches!(call.name, "signalfd" | "signalfd4") && !has_failed {
                self.mask_changed(tid, fd, &Place::of_call((line, self.clock), pid, call));
            }
            return self.touched(pid, tid, fd, call, line);
        }
        self.findings.summary.followed += 1;
        (self.coverage).effect(line, &effect, call.returned.errno.is_some());
        let place = Place::of_call((line, self.clock), pid, call);
        if !self.is_within_budget(tid, &effect) {
            return self.findings.warn(line, 0, || {
                format!(
                    "the descriptor numbers of {}() are too large to follow",
                    escape(call.name.as_bytes())
                )
            });
        }
        match effect {
            // `begun` has handled it.
            Effect::Close { .. } if was_closing.is_some() => {}
            Effect::Wait { epfd, events } => self.waited(pid, tid, epfd, events, &place),
            Effect::Ctl(ctl) => self.controlled(pid, tid, ctl, &place),
            Effect::Adopt { epfd } => self.adopted(tid, epfd, &place),
            Effect::Clone { flags } => {
                if let Some(child) = place.returned.and_then(|returned| returned.number()) {
                    self.forked(pid, child, flags);
                    self.note_copy(child as u32, &place);
                }
                self.replay_born();
            }
            Effect::Exec => self.executed(pid, tid, &place),
            Effect::Close { fd } => self.close_ended(pid, tid, fd, &place),
            effect => self.descriptors_changed(pid, tid, &effect, &place),
        }
    }

    /// False if the call's fds would cost more memory than a log may cost: a descriptor table is a vector.
    fn is_within_budget(&self, tid: Tid, effect: &Effect<'_>) -> bool {
        const CHEAP: i32 = 4096;
        const MAX_SLOTS: usize = 1 << 21;
        let highest = match effect {
            Effect::Open { fds, .. } => fds.iter().flatten().max().map_or(0, |fd| fd.0),
            Effect::Dup { new, fd, .. } | Effect::Replace { new, fd, .. } => new.0.max(fd.0),
            Effect::GetFd { new, target, .. } => new.0.max(target.0),
            Effect::SetCloexec { fd, .. } => fd.0,
            Effect::Ctl(ctl) => ctl.epfd.0.max(ctl.fd.0),
            Effect::Wait { epfd, .. } => epfd.0,
            Effect::Send { rights } | Effect::Receive { rights, .. } => {
                rights.iter().max().map_or(0, |fd| fd.0)
            }
            Effect::Register { files, .. } => files.iter().max().map_or(0, |fd| fd.0),
            _ => 0,
        };
        let base = self.worlds.base();
        if highest < CHEAP || (highest as usize) < base.table_capacity(tid) {
            return true;
        }
        (highest as u64) < eventpoll::NR_OPEN
            && base.total_capacity() + highest as usize <= MAX_SLOTS
    }
}
