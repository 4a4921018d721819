//! The judge: reads a log, and says what it showed.
//!
//! ```text
//!   lines ─▶ events ─▶ deeds ─▶ worlds (one kernel a policy) ─▶ stories ─▶ findings
//! ```
//! Here an event finds its handler. What the handlers do is told in
//! `lives` (tasks), `descriptors`, `control` (`epoll_ctl`), `reports` (waits)
//! and `ghosts`.

use crate::Verdict;
use crate::book::Book;
use crate::coverage::Coverage;
use crate::deed::{self, Deed};
use crate::deferred::Deferred;
use crate::ghosts::Ghosts;
use crate::heed::Heed;
use crate::labels::Labels;
use crate::messages::Message;
use crate::order::Order;
use crate::sharing::Sharing;
use crate::site::Place;
use crate::stories::Stories;
use crate::takings::Takings;
use crate::tasks::Tasks;
use crate::unseen::Unseen;
use crate::worlds::Worlds;
use eventpoll::{FileId, Policy, Tid};
use polter_trace::{
    Assembled, Call, Event, EventKind, ExitKind, NoteKind, Stream, Unfinished, escape,
};
use std::collections::VecDeque;
use std::io::{self, BufRead};

/// How often `progress_fn` is called, in lines.
const PROGRESS_LINES: u64 = 1 << 14;

/// Replays a log in one model per policy.
#[derive(Debug)]
pub struct Judge {
    pub(crate) worlds: Worlds,
    pub(crate) tasks: Tasks,
    pub(crate) stories: Stories,
    pub(crate) labels: Labels,
    pub(crate) ghosts: Ghosts,
    pub(crate) unseen: Unseen,
    pub(crate) heed: Heed,
    pub(crate) sharing: Sharing,
    pub(crate) order: Order,
    pub(crate) takings: Takings,
    pub(crate) book: Book,
    pub(crate) coverage: Coverage,
    /// What was sent and not yet received, oldest first.
    pub(crate) in_flight: VecDeque<Message>,
    pub(crate) sent_messages: u64,
    /// What cannot be looked at yet.
    pub(crate) deferred: Deferred,
    /// What rings hold, in each world, with the ring's file in Linux's.
    pub(crate) in_rings: Vec<(FileId, Vec<Vec<Option<FileId>>>)>,
    /// The line being read.
    pub(crate) line: u64,
}

impl Judge {
    /// A judge that compares these policies with Linux's own.
    pub fn new(policies: &[Policy]) -> Judge {
        Judge {
            worlds: Worlds::new(policies),
            tasks: Tasks::default(),
            stories: Stories::default(),
            labels: Labels::default(),
            ghosts: Ghosts::default(),
            unseen: Unseen::default(),
            heed: Heed::default(),
            sharing: Sharing::default(),
            order: Order::default(),
            takings: Takings::default(),
            book: Book::default(),
            coverage: Coverage::default(),
            in_flight: VecDeque::new(),
            sent_messages: 0,
            deferred: Deferred::default(),
            in_rings: Vec::new(),
            line: 0,
        }
    }

    /// Does not ask which calls of two processes stand in their order by chance: each break counts as certain. It
    /// is for measuring what the question costs.
    pub fn ignore_order(&mut self) {
        self.order.ignore();
    }

    /// Reads a log to its end; `progress_fn` hears of the number of lines now and then.
    ///
    /// Errors: those of the reader. What cannot be understood is a warning of the verdict.
    pub fn read(&mut self, log: impl BufRead, mut progress_fn: impl FnMut(u64)) -> io::Result<()> {
        let mut stream = Stream::new(log);
        while let Some(assembled) = stream.next_step()? {
            self.book.log.lines += 1;
            if self.book.log.lines.is_multiple_of(PROGRESS_LINES) {
                progress_fn(self.book.log.lines);
            }
            self.step(&assembled);
        }
        progress_fn(self.book.log.lines);
        Ok(())
    }

    /// The verdict on all that was read.
    pub fn finish(mut self) -> Verdict {
        self.replay_all();
        self.end_takings();
        self.end_sweeps();
        self.end_ghosts();
        self.end_sharing();
        self.book.log.tasks = self.tasks.seen;
        self.book.log.registrations = self.stories.told - self.coverage.registered_before;
        self.book.into_verdict(self.worlds, &self.coverage)
    }

    fn step(&mut self, assembled: &Assembled<'_>) {
        self.book.log.count_line(assembled);
        if let Some(warning) = assembled.warning {
            self.book.warn(warning.line, warning.column as u64, || {
                warning.problem.to_string()
            });
        }
        if let Some(pid) = assembled
            .named
            .filter(|pid| *pid != 0 && self.tasks.get(*pid).is_none())
        {
            self.tasks.name_root(pid);
            self.stories.name_root(pid);
            self.labels.name_root(pid);
            self.book.name_root(pid);
        }
        if let Some(event) = &assembled.event {
            self.line = event.line;
            self.event(event);
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.coverage.has_numbers |= event.pid.is_some();
        let pid = event.pid.unwrap_or(0);
        if !self.coverage.silent.is_empty() && self.coverage.silent.remove(&pid) {
            self.tasks.seen += 1;
        }
        if i32::try_from(pid).is_err() {
            return self.book.warn(event.line, 1, || {
                format!("no task can have the number {pid}")
            });
        }
        if self.defer(pid, event) {
            return;
        }
        match event.kind {
            EventKind::Call(ref call) => self.ended(pid, event.line, call),
            EventKind::Entry(ref entry) => self.begun(pid, event.line, entry),
            EventKind::Exit { ref call, .. } => self.ended(pid, event.line, call),
            EventKind::Gone(exit) => match exit.how {
                ExitKind::Superseded { by } => self.superseded(pid, by),
                _ if self.tasks.has_left(pid) => self.tasks.forget_left(pid),
                _ if self.tasks.is_stranger(pid) => self.coverage.orphans.note(event.line),
                ExitKind::Killed { signal, .. } => {
                    if let Some(tid) = self.tasks.tid(pid) {
                        self.note_abort(pid, tid, signal);
                    }
                    self.killed(pid);
                }
                ExitKind::Exited(_) => self.gone(pid),
            },
            EventKind::Note(note) => {
                if let NoteKind::Attached(child) = note.what
                    && i32::try_from(child).is_ok()
                {
                    self.present(child);
                }
            }
            EventKind::Frame { of, frame } => {
                self.stories.add_frame(of, frame.raw);
                self.sharing.add_frame(of, frame.raw);
                self.book.add_frame(of, frame.raw);
            }
            EventKind::Signal(ref signal) => self.signalled(pid, signal),
            EventKind::Comment(_) => {}
        }
    }

    /// A call began and has not ended: a close takes its number away at
    /// once; a clone may show its child before it returns; a wait may be raced.
    pub(crate) fn begun(&mut self, pid: u32, line: u64, entry: &Unfinished<'_>) {
        let Some(tid) = self.present(pid) else { return };
        let process = self.process_and_table(tid).0;
        self.order.begun(process, entry.name, entry.args);
        match entry.name {
            "close" => {
                let Some(fd) = deed::fd_at(entry.args, 0) else {
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
            "fork" | "clone" | "clone2" | "clone3" => self
                .tasks
                .begin_birth(pid, deed::clone_flags(entry.args.raw)),
            "vfork" => self.tasks.begin_birth(pid, 0),
            "sendmsg" | "sendmmsg" => self.send_begun(pid, tid, entry.args),
            "epoll_ctl" => {
                let data = deed::control_data(entry.args);
                self.coverage.control_begun(pid, data);
                self.removal_begun(pid, tid, entry.args);
            }
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
                if let Some(epfd) = deed::fd_at(entry.args, 0) {
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
        let Some(deed) = deed::deed(call.name, call.args, &call.returned) else {
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
