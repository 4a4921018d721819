//! From a call of the log to its handler.

use crate::input::{Deed, Place, clone_flags, control_data, deed, fd_at};
use crate::judge::Judge;
use eventpoll::Tid;
use polter_trace::{Call, Unfinished, escape};

impl Judge {
    /// A call began and has not ended: a close takes its number away at
    /// once; a clone may show its child before it returns; a wait may be raced.
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
                    pid,
                    name: entry.name,
                    args: entry.args,
                    returned: None,
                };
                self.coverage.close_begun(line);
                self.note_heed(tid, entry.name, entry.args, line);
                self.close(pid, tid, fd, &place);
                if let Some(task) = self.tasks.get_mut(pid) {
                    task.closing = Some(fd);
                }
            }
            "fork" | "clone" | "clone2" | "clone3" => {
                self.tasks.begin_birth(pid, clone_flags(entry.args.raw))
            }
            "vfork" => self.tasks.begin_birth(pid, 0),
            "sendmsg" | "sendmmsg" => self.send_begun(pid, tid, entry.args),
            "epoll_ctl" => {
                let data = control_data(entry.args);
                self.coverage.control_begun(pid, data);
                self.removal_begun(pid, tid, entry.args);
            }
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
                if let Some(epfd) = fd_at(entry.args, 0) {
                    let place = Place {
                        line,
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

    /// A call has ended.
    pub(crate) fn ended(&mut self, pid: u32, line: u64, call: &Call<'_>) {
        self.book.log.calls += 1;
        self.coverage.call(pid, line, call);
        let Some(tid) = self.present(pid) else { return };
        let process = self.process_and_table(tid).0;
        let returned = call.returned.number();
        self.order.ended(process, call.name, call.args, returned);
        if let ("exit" | "exit_group", None) = (call.name, call.returned.number()) {
            return self.leaves(pid, tid, call.name == "exit_group");
        }
        self.note_heed(tid, call.name, call.args, line);
        self.go_on_sweeping(pid, call);
        let has_failed = call.returned.errno.is_some();
        if self.send_ended(pid, call.name, has_failed) {
            self.book.log.followed += 1;
            return;
        }
        let was_closing = self.tasks.get_mut(pid).and_then(|task| task.closing.take());
        if has_failed && matches!(call.name, "fork" | "vfork" | "clone" | "clone2" | "clone3") {
            self.tasks.end_birth(pid);
            self.replay_born();
        }
        let Some(deed) = deed(call.name, call.args, &call.returned) else {
            self.tasks.end_wait(pid);
            return;
        };
        if let Deed::Touch { fd } = deed {
            if matches!(call.name, "signalfd" | "signalfd4") && !has_failed {
                self.mask_changed(tid, fd, &Place::of_call(line, pid, call));
            }
            return self.touched(pid, tid, fd, call, line);
        }
        self.book.log.followed += 1;
        (self.coverage).deed(line, &deed, call.returned.errno.is_some());
        let place = Place::of_call(line, pid, call);
        if !self.has_room(tid, &deed) {
            return self.book.warn(line, 0, || {
                format!(
                    "the descriptor numbers of {}() are too large to follow",
                    escape(call.name.as_bytes())
                )
            });
        }
        match deed {
            // It took effect when it began.
            Deed::Close { .. } if was_closing.is_some() => {}
            Deed::Wait { epfd, events } => self.waited(pid, tid, epfd, events, &place),
            Deed::Ctl { epfd, op, fd, data } => {
                self.controlled(pid, tid, epfd, op, fd, data, &place);
            }
            Deed::Adopt { epfd } => self.adopted(tid, epfd, &place),
            Deed::Clone { flags } => {
                if let Some(child) = place.returned.and_then(|returned| returned.number()) {
                    self.forked(pid, child, flags);
                    self.note_copy(child as u32, &place);
                }
                self.replay_born();
            }
            Deed::Exec => self.executed(pid, tid, &place),
            Deed::Close { fd } => self.close_ended(pid, tid, fd, &place),
            deed => self.descriptors_changed(pid, tid, &deed, &place),
        }
    }

    /// Refuses numbers that would cost more memory than a log may cost.
    fn has_room(&self, tid: Tid, deed: &Deed<'_>) -> bool {
        const CHEAP: i32 = 4096;
        const MAX_SLOTS: usize = 1 << 21;
        let highest = match deed {
            Deed::Open { fds, .. } => fds.iter().flatten().max().map_or(0, |fd| fd.0),
            Deed::Dup { new, fd, .. } | Deed::Replace { new, fd, .. } => new.0.max(fd.0),
            Deed::GetFd { new, target, .. } => new.0.max(target.0),
            Deed::SetCloexec { fd, .. } => fd.0,
            Deed::Ctl { epfd, fd, .. } => epfd.0.max(fd.0),
            Deed::Wait { epfd, .. } => epfd.0,
            Deed::Send { rights } | Deed::Receive { rights, .. } => {
                rights.iter().max().map_or(0, |fd| fd.0)
            }
            Deed::Register { files, .. } => files.iter().max().map_or(0, |fd| fd.0),
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
