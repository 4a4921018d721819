//! The judge: reads a log, and says what it showed.
//!
//! ```text
//!   lines ─▶ events ─▶ effects ─▶ worlds (one kernel a policy) ─▶ registrations ─▶ findings
//! ```
//! [`Judge`] owns all state. This file passes each event on to its handler in `handle`; the detectors are in `detect`.

use crate::detect::gaps;
use crate::input::Place;
use crate::state::{
    Book, Coverage, Deferred, Ghosts, Heed, Labels, Message, Order, Sharing, Stories, Takings,
    Tasks, Unseen, Worlds, new_finding,
};
use crate::verdict::{Class, Instance, Severity, Step, Verdict};
use eventpoll::{EpollId, Errno, Fd, FileId, Policy, TableId, Tid};
use polter_trace::{Assembled, Event, EventKind, ExitKind, NoteKind, Stream};
use std::collections::VecDeque;
use std::io;
use std::io::BufRead;

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
    /// The process a task belongs to, as the log numbers it, and its table.
    pub(crate) fn process_and_table(&self, tid: Tid) -> (u32, TableId) {
        let view = self
            .worlds
            .base()
            .task(tid)
            .expect("a task of the log lives in the worlds");
        (self.tasks.shown(view.process), view.table)
    }

    /// True if the call in the log failed with this error.
    pub(crate) fn has_failed_with(place: &Place<'_>, errno: Errno) -> bool {
        place.returned.and_then(|returned| returned.errno) == Some(errno.name())
    }

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
        let gaps = gaps(&self.book.log, &self.coverage);
        self.book.into_verdict(gaps, self.worlds.into_verdicts())
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

    /// An instance, by the descriptor it was made as.
    pub(crate) fn instance(&self, epoll: EpollId) -> Instance {
        let label = self
            .worlds
            .base()
            .epoll_file(epoll)
            .and_then(|file| self.labels.get(file));
        label.map_or(
            Instance {
                pid: 0,
                fd: -1,
                line: None,
            },
            |label| Instance {
                pid: label.pid,
                fd: label.fd.0,
                line: label.line,
            },
        )
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a finding")]
    pub(crate) fn find(
        &mut self,
        class: Class,
        severity: Severity,
        pid: u32,
        fd: Fd,
        instance: Instance,
        summary: String,
        story: Vec<Step>,
        fix: &str,
    ) -> Option<usize> {
        self.book.find(new_finding(
            class, severity, pid, fd, instance, summary, story, fix,
        ))
    }
}
