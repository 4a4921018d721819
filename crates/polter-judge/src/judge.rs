//! The judge: reads a log, and says what it showed.
//!
//! ```text
//!   lines ─▶ events ─▶ effects ─▶ worlds (one kernel a policy) ─▶ registrations ─▶ findings
//! ```
//! [`Judge`] owns all state. This file passes each event on to its handler in `handle`; the detectors are in `detect`.

use crate::detect::gaps;
use crate::input::{PastReader, Place, is_recorders, lost_events};
use crate::state::{
    Coverage, Deferred, FindingLog, Ghosts, HappensBefore, Heed, Labels, Message, PolicyRemovals,
    Registrations, Sharing, Tasks, Unseen, Worlds,
};
use crate::verdict::{Instance, LogTime, Verdict};
use eventpoll::{EpollId, Errno, FileId, Policy, TableId, Tid};
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
    pub(crate) registrations: Registrations,
    pub(crate) labels: Labels,
    pub(crate) ghosts: Ghosts,
    pub(crate) unseen: Unseen,
    pub(crate) heed: Heed,
    pub(crate) sharing: Sharing,
    pub(crate) order: HappensBefore,
    pub(crate) policy_removals: PolicyRemovals,
    pub(crate) findings: FindingLog,
    pub(crate) coverage: Coverage,
    /// Messages with files, sent and not yet received, oldest first.
    pub(crate) in_flight: VecDeque<Message>,
    /// Messages sent so far; the next one gets this id.
    pub(crate) sent_messages: u64,
    /// Lines of tasks whose parent is not known yet.
    pub(crate) deferred: Deferred,
    /// The files that rings hold: each ring's file in Linux's world, and what it holds in every world.
    pub(crate) in_rings: Vec<(FileId, Vec<Vec<Option<FileId>>>)>,
    /// What the head of a recording says of the time before.
    pub(crate) past: PastReader,
    /// The line being read.
    pub(crate) line: u64,
    /// When it was written, if it says so.
    pub(crate) clock: Option<LogTime>,
    /// How often time has passed while the log grew: what was suspected before is told then.
    pub(crate) time: u64,
    /// The instance and the data of each event that the last wait reported, if somebody asks.
    pub(crate) reports: Option<Vec<(EpollId, u64)>>,
}

impl Judge {
    /// A judge that compares these policies with Linux's own.
    pub fn new(policies: &[Policy]) -> Judge {
        Judge {
            worlds: Worlds::new(policies),
            tasks: Tasks::default(),
            registrations: Registrations::default(),
            labels: Labels::default(),
            ghosts: Ghosts::default(),
            unseen: Unseen::default(),
            heed: Heed::default(),
            sharing: Sharing::default(),
            order: HappensBefore::default(),
            policy_removals: PolicyRemovals::default(),
            findings: FindingLog::default(),
            coverage: Coverage::default(),
            in_flight: VecDeque::new(),
            sent_messages: 0,
            deferred: Deferred::default(),
            in_rings: Vec::new(),
            past: PastReader::default(),
            line: 0,
            clock: None,
            time: 0,
            reports: None,
        }
    }

    /// Records no sync events, so each break counts as certain. Only a benchmark needs this: it measures what
    /// happens-before costs.
    pub fn ignore_order(&mut self) {
        self.order.ignore();
    }

    /// Reads a log to its end; `progress_fn` is called now and then with the number of lines read.
    ///
    /// Errors: those of the reader. A line that cannot be understood becomes a warning of the verdict.
    pub fn read(&mut self, log: impl BufRead, mut progress_fn: impl FnMut(u64)) -> io::Result<()> {
        let mut stream = Stream::new(log);
        while let Some(assembled) = stream.next_step()? {
            self.findings.summary.lines += 1;
            if self.findings.summary.lines.is_multiple_of(PROGRESS_LINES) {
                progress_fn(self.findings.summary.lines);
            }
            self.step(&assembled);
        }
        progress_fn(self.findings.summary.lines);
        Ok(())
    }

    /// Decides what was only suspected, and gives the verdict.
    pub fn finish(mut self) -> Verdict {
        self.decide_all();
        self.into_verdict()
    }

    /// The log is over: decides what was only suspected.
    pub(crate) fn decide_all(&mut self) {
        // Lines that still wait come first: they can end registrations and begin waits. The rest only decides.
        self.replay_all();
        self.end_policy_removals();
        self.end_sweeps();
        self.end_ghosts();
        self.end_sharing();
    }

    /// The verdict, once all is decided.
    pub(crate) fn into_verdict(mut self) -> Verdict {
        self.findings.summary.tasks = self.tasks.seen;
        self.findings.summary.registrations =
            self.registrations.made - self.coverage.registered_before;
        let touched = self.findings.reaching_over(&self.coverage.lost_at);
        let gaps = gaps(&self.findings.summary, &self.coverage, &touched);
        self.findings
            .into_verdict(gaps, self.worlds.into_verdicts())
    }

    /// Handles what the assembler has made of a line, or of the two halves of a call.
    pub(crate) fn step(&mut self, assembled: &Assembled<'_>) {
        self.findings.summary.count_line(assembled);
        if let Some(warning) = assembled.warning {
            self.findings.warn(warning.line, warning.column as u64, || {
                warning.problem.to_string()
            });
        }
        if let Some(pid) = assembled
            .named
            .filter(|pid| *pid != 0 && self.tasks.get(*pid).is_none())
        {
            self.tasks.name_root(pid);
            self.registrations.name_root(pid);
            self.labels.name_root(pid);
            self.findings.name_root(pid);
        }
        if let Some(event) = &assembled.event {
            (self.line, self.clock) = (event.line, LogTime::of(event.clock));
            self.event(event);
        }
    }

    /// Passes an event on to its handler.
    fn event(&mut self, event: &Event<'_>) {
        if !matches!(event.kind, EventKind::Comment(_))
            && let Some(past) = self.past.end()
        {
            self.begin_with(&past);
        }
        self.coverage.has_pids |= event.pid.is_some();
        let pid = event.pid.unwrap_or(0);
        if !self.coverage.silent.is_empty() && self.coverage.silent.remove(&pid) {
            self.tasks.seen += 1;
        }
        if i32::try_from(pid).is_err() {
            return self.findings.warn(event.line, 1, || {
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
            EventKind::StackFrame { of, frame } => {
                self.registrations.add_frame(of, frame.raw);
                self.sharing.add_frame(of, frame.raw);
                self.findings.add_frame(of, frame.raw);
            }
            EventKind::Signal(ref signal) => self.signalled(pid, signal),
            EventKind::Comment(text) => {
                self.coverage.is_recorded |= event.line == 1 && is_recorders(text);
                self.findings.summary.is_recorded = self.coverage.is_recorded;
                self.past.read(text);
                if let Some(count) = lost_events(text) {
                    self.coverage.lose(count, event.line);
                }
            }
        }
    }

    /// Time passes while the log grows: what was suspected when it passed last is told.
    pub(crate) fn pass_time(&mut self) {
        self.suspect_ghosts();
        self.suspect_leaks();
        self.suspect_sweeps();
        self.ghosts.pass_time();
        self.coverage.pass_time();
        self.time += 1;
    }

    /// The pid of a task's process, as the log has it, and the task's table.
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
}
