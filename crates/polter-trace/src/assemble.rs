//! Lines put together: what was cut is joined, what belongs together is told.
//!
//! ```text
//! 7 epoll_wait(3,  <unfinished ...>           ─▶ Entry
//! 8 write(5, "x", 1) = 1                      ─▶ Call
//!  > /lib/libc.so.6(write+0x14) [0x10]        ─▶ StackFrame, of the line above
//! 7 <... epoll_wait resumed>[{…}], 8, -1) = 1 ─▶ Exit: epoll_wait(3, [{…}], 8, -1) = 1
//! ```
//! Nothing is kept but the calls under way, within [`Limits`].

use crate::args::Args;
use crate::call::{Call, Cut, Resumed, Unfinished};
use crate::error::{Diagnostic, Problem};
use crate::event::{Assembled, Event, EventKind, Tally};
use crate::line::{Body, Line};
use crate::note::{Exit, ExitKind, Note, NoteKind};
use crate::pending::{Limits, Pending, PendingCalls};
use crate::tasks::Tasks;

/// Turns lines into events, one line at a time.
#[derive(Debug, Clone)]
pub struct Assembler {
    tasks: Tasks,
    pending: PendingCalls,
    /// The task whose line is torn, until the rest comes.
    torn: Option<Option<u32>>,
    /// The event that stack lines belong to.
    last: Option<(Option<u32>, u64)>,
    /// Name and arguments of the call that ended last.
    joined: Vec<u8>,
    tally: Tally,
}

/// What a body comes to, before its task is added.
type Step<'a> = (Option<EventKind<'a>>, Option<Problem>);

impl Assembler {
    /// Starts at the beginning of a log.
    pub fn new(limits: Limits) -> Self {
        Self {
            tasks: Tasks::new(limits.tasks),
            pending: PendingCalls::new(limits),
            torn: None,
            last: None,
            joined: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Takes the next line.
    pub fn push<'e>(&'e mut self, number: u64, line: &Line<'e>) -> Assembled<'e> {
        self.tally.lines += 1;
        let torn = match line.body {
            // What comes between does not belong to any task.
            Body::Note(_) | Body::Unparsed(_) => None,
            _ => self.torn.take(),
        };
        if let Body::Exit(Exit {
            how: ExitKind::Superseded { by },
            ..
        }) = line.body
        {
            self.tasks.remove(by);
        }
        let (pid, named) = self.find_task(line, torn);
        let column = line.prefix.raw.len() + 1;
        let clock = line.prefix.clock;
        let (kind, problem) = match line.body {
            Body::Call(call) => self.whole(pid, number, call),
            Body::Unfinished(call) => self.begin(pid, number, call),
            Body::Resumed(call) => return self.end(pid, named, number, line, &call),
            Body::Suspended(raw) => {
                if raw.starts_with(b" <detached") {
                    self.pending.forget(pid);
                }
                (None, None)
            }
            Body::Signal(signal) => {
                self.last = Some((pid, number));
                (Some(EventKind::Signal(signal)), None)
            }
            Body::Exit(exit) => self.gone(pid, number, exit),
            Body::StackFrame(frame) => match self.last {
                Some((_, of)) => (Some(EventKind::StackFrame { of, frame }), None),
                None => (None, Some(Problem::FrameWithoutCall)),
            },
            Body::Note(note) => self.note(note),
            Body::Comment(text) => (Some(EventKind::Comment(text)), None),
            Body::Unparsed(unparsed) => {
                let problem = Problem::Line(unparsed.error.kind);
                self.tally.count(problem);
                let warning = Diagnostic {
                    line: number,
                    column: unparsed.error.column,
                    problem,
                };
                return Assembled {
                    event: None,
                    warning: Some(warning),
                    named,
                };
            }
        };
        let warning = problem.map(|problem| self.tally.warn(number, column, problem));
        let event = kind.map(|kind| Event {
            pid,
            line: number,
            clock,
            kind,
        });
        Assembled {
            event,
            warning,
            named,
        }
    }

    /// Says how many lines there were, and how many of them were wrong.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Returns the calls under way: task, line, and name.
    pub fn pending(&self) -> impl Iterator<Item = (Option<u32>, u64, &str)> {
        self.pending
            .iter()
            .map(|(pid, call)| (pid, call.line, call.name()))
    }

    /// Finds the line's task, and moves the nameless task's call to its number.
    fn find_task(
        &mut self,
        line: &Line<'_>,
        torn: Option<Option<u32>>,
    ) -> (Option<u32>, Option<u32>) {
        match line.body {
            Body::Resumed(Resumed { name: None, .. }) | Body::Suspended(_) => {
                return (torn.unwrap_or(line.prefix.pid), None);
            }
            Body::StackFrame(_) => return (self.last.and_then(|(pid, _)| pid), None),
            Body::Comment(_) | Body::Note(_) | Body::Unparsed(_) => return (line.prefix.pid, None),
            _ => {}
        }
        let nameless = self.pending.get(None);
        let is_forking = nameless.is_some_and(|call| is_fork(call.name()));
        let is_resumed = match line.body {
            Body::Resumed(call) => {
                self.pending.get(line.prefix.pid).is_none()
                    && nameless.is_some_and(|pending| Some(pending.name()) == call.name)
            }
            _ => false,
        };
        let task = self.tasks.resolve(&line.prefix, is_resumed, is_forking);
        if task.named.is_some() {
            self.pending.hand_over(None, task.named);
        }
        (task.pid, task.named)
    }

    fn whole<'e>(&mut self, pid: Option<u32>, number: u64, call: Call<'e>) -> Step<'e> {
        let problem = self
            .pending
            .forget(pid)
            .map(|entry| Problem::NeverResumed { entry });
        self.last = Some((pid, number));
        if pid.is_none() && is_fork(call.name) {
            self.tasks.announce_child(&call.returned);
        }
        (Some(EventKind::Call(call)), problem)
    }

    fn begin<'e>(&mut self, pid: Option<u32>, number: u64, call: Unfinished<'e>) -> Step<'e> {
        let mut problem = self
            .pending
            .forget(pid)
            .map(|entry| Problem::NeverResumed { entry });
        self.last = Some((pid, number));
        if call.cut != Cut::Detached && !self.pending.keep(pid, number, &call, &mut self.joined) {
            problem = Some(Problem::OverLimit);
        }
        if let Cut::Torn(note) = call.cut {
            self.torn = Some(pid);
            self.note(note);
        }
        (Some(EventKind::Entry(call)), problem)
    }

    /// Ends a call under way: its arguments are joined in a buffer of our own.
    fn end<'e>(
        &'e mut self,
        pid: Option<u32>,
        named: Option<u32>,
        number: u64,
        line: &Line<'e>,
        rest: &Resumed<'e>,
    ) -> Assembled<'e> {
        let column = line.prefix.raw.len() + 1;
        let pending = match self.pending.take(pid, rest.name) {
            Ok(pending) => pending,
            Err(problem) => {
                let warning = Some(self.tally.warn(number, column, problem));
                return Assembled {
                    event: None,
                    warning,
                    named,
                };
            }
        };
        self.last = Some((pid, number));
        let Pending {
            line: entry,
            column,
            name_len,
            text,
        } = pending;
        self.joined = text;
        self.joined.extend_from_slice(rest.args.raw);
        let (name, args) = self.joined.split_at(name_len);
        let name = str::from_utf8(name).unwrap_or_default();
        if pid.is_none() && is_fork(name) {
            self.tasks.announce_child(&rest.returned);
        }
        let call = Call {
            name,
            args: Args::new(args, column),
            returned: rest.returned,
            duration: rest.duration,
            tail: rest.tail,
        };
        let kind = EventKind::Exit { entry, call };
        let event = Event {
            pid,
            line: number,
            clock: line.prefix.clock,
            kind,
        };
        Assembled {
            event: Some(event),
            warning: None,
            named,
        }
    }

    fn gone<'e>(&mut self, pid: Option<u32>, number: u64, exit: Exit<'e>) -> Step<'e> {
        self.last = Some((pid, number));
        self.pending.forget(pid);
        match exit.how {
            ExitKind::Superseded { by } => {
                // The thread's execve goes on under the leader's number.
                self.pending.hand_over(Some(by), pid);
            }
            ExitKind::Exited(_) | ExitKind::Killed { .. } => {
                if let Some(pid) = pid {
                    self.tasks.remove(pid);
                }
            }
        }
        (Some(EventKind::Gone(exit)), None)
    }

    fn note<'e>(&mut self, note: Note<'e>) -> Step<'e> {
        match note.what {
            NoteKind::Attached(pid) => self.tasks.attach(pid),
            NoteKind::Detached(pid) => self.tasks.remove(pid),
            NoteKind::Other => {}
        }
        (Some(EventKind::Note(note)), None)
    }
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

fn is_fork(name: &str) -> bool {
    matches!(name, "fork" | "vfork" | "clone" | "clone2" | "clone3")
}

#[cfg(test)]
mod tests;
