//! Lines put together: what was cut is joined, what belongs together is told.
//!
//! ```text
//! 7 epoll_wait(3,  <unfinished ...>           ─▶ Entry
//! 8 write(5, "x", 1) = 1                      ─▶ Call
//!  > /lib/libc.so.6(write+0x14) [0x10]        ─▶ Frame, of the line above
//! 7 <... epoll_wait resumed>[{…}], 8, -1) = 1 ─▶ Exit: epoll_wait(3, [{…}], 8, -1) = 1
//! ```
//! Nothing is kept but the calls under way, within [`Limits`].

use std::collections::BTreeMap;

use crate::args::Args;
use crate::call::{Call, Cut, Resumed, Unfinished};
use crate::error::{Diagnostic, Problem};
use crate::line::{Body, Line};
use crate::note::{Exit, ExitKind, Frame, Note, NoteKind, Signal};
use crate::prefix::Clock;
use crate::tasks::Tasks;

/// Turns lines into events, one line at a time.
#[derive(Debug, Clone)]
pub struct Assembler {
    limits: Limits,
    tasks: Tasks,
    pending: BTreeMap<Option<u32>, Pending>,
    /// How many bytes `pending` holds.
    bytes: usize,
    /// The task whose line is torn, until the rest comes.
    torn: Option<Option<u32>>,
    /// The event that stack lines belong to.
    last: Option<(Option<u32>, u64)>,
    /// Name and arguments of the call that ended last.
    joined: Vec<u8>,
    tally: Tally,
}

/// How much may be kept of the calls under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many tasks.
    pub tasks: usize,
    /// How many bytes of arguments for one call.
    pub bytes_per_call: usize,
    /// How many bytes in all.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tasks: 1 << 16,
            bytes_per_call: 1 << 16,
            bytes: 1 << 26,
        }
    }
}

/// What came of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assembled<'a> {
    /// What happened; nothing for a line that only goes on, or cannot be read.
    pub event: Option<Event<'a>>,
    /// What is wrong with the line, or what it shows to be wrong before it.
    pub warning: Option<Diagnostic>,
    /// The number of the task that had none until now: events with the pid `None` were
    /// this task's.
    pub named: Option<u32>,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The task, if the log says which.
    pub pid: Option<u32>,
    /// The line that told it.
    pub line: u64,
    /// When.
    pub clock: Option<Clock>,
    /// What.
    pub kind: EventKind<'a>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind<'a> {
    /// A call began and ended.
    Call(Call<'a>),
    /// A call began.
    Entry(Unfinished<'a>),
    /// A call that began earlier ended.
    Exit {
        /// The line it began on.
        entry: u64,
        /// The call as it would have been on one line; columns count on that line.
        call: Call<'a>,
    },
    /// A signal arrived, or stopped the task.
    Signal(Signal<'a>),
    /// The task is gone, and with it the call it was in.
    Gone(Exit<'a>),
    /// A frame of the stack under a call.
    Frame {
        /// The line of the call.
        of: u64,
        /// The frame.
        frame: Frame<'a>,
    },
    /// strace said something of itself.
    Note(Note<'a>),
    /// A comment or a blank line.
    Comment(&'a [u8]),
}

/// How many lines there were, and how many of them were wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Lines that could not be read.
    pub unparsed: u64,
    /// Calls that resumed without having begun.
    pub without_entry: u64,
    /// Calls that never resumed although their task went on.
    pub never_resumed: u64,
    /// Calls forgotten for want of room.
    pub over_limit: u64,
    /// Stack lines without a call.
    pub stray_frames: u64,
}

/// A call under way.
#[derive(Debug, Clone)]
struct Pending {
    line: u64,
    /// Where the arguments begin on that line.
    column: usize,
    name_len: usize,
    /// Name and arguments.
    text: Vec<u8>,
}

/// What a body comes to, before its task is added.
type Step<'a> = (Option<EventKind<'a>>, Option<Problem>);

impl Assembler {
    /// Starts at the beginning of a log.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            tasks: Tasks::new(limits.tasks),
            pending: BTreeMap::new(),
            bytes: 0,
            torn: None,
            last: None,
            joined: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Takes the next line.
    pub fn push<'e>(&'e mut self, number: u64, line: &Line<'e>) -> Assembled<'e> {
        self.tally.lines += 1;
        let torn = self.torn.take();
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
                    self.forget(pid);
                }
                (None, None)
            }
            Body::Signal(signal) => (Some(EventKind::Signal(signal)), None),
            Body::Exit(exit) => self.gone(pid, number, exit),
            Body::Frame(frame) => match self.last {
                Some((_, of)) => (Some(EventKind::Frame { of, frame }), None),
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
            .map(|(&pid, call)| (pid, call.line, call.name()))
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
            Body::Frame(_) => return (self.last.and_then(|(pid, _)| pid), None),
            Body::Comment(_) | Body::Note(_) | Body::Unparsed(_) => return (line.prefix.pid, None),
            _ => {}
        }
        let nameless = self.pending.get(&None);
        let is_forking = nameless.is_some_and(|call| is_fork(call.name()));
        let is_resumed = match line.body {
            Body::Resumed(call) => {
                !self.pending.contains_key(&line.prefix.pid)
                    && nameless.is_some_and(|pending| Some(pending.name()) == call.name)
            }
            _ => false,
        };
        let task = self.tasks.resolve(&line.prefix, is_resumed, is_forking);
        if task.named.is_some()
            && let Some(call) = self.pending.remove(&None)
        {
            // Its own call, if it is in one, is not the nameless one's.
            self.bytes -= self
                .pending
                .insert(task.named, call)
                .map_or(0, |old| old.text.len());
        }
        (task.pid, task.named)
    }

    fn whole<'e>(&mut self, pid: Option<u32>, number: u64, call: Call<'e>) -> Step<'e> {
        let problem = self
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
            .forget(pid)
            .map(|entry| Problem::NeverResumed { entry });
        self.last = Some((pid, number));
        if call.cut != Cut::Detached && !self.keep(pid, number, &call) {
            problem = Some(Problem::OverLimit);
        }
        if let Cut::Torn(note) = call.cut {
            self.torn = Some(pid);
            self.note(note);
        }
        (Some(EventKind::Entry(call)), problem)
    }

    /// Stores a call under way, if there is room.
    fn keep(&mut self, pid: Option<u32>, line: u64, call: &Unfinished<'_>) -> bool {
        let len = call.name.len() + call.args.raw.len();
        let is_room = self.pending.len() < self.limits.tasks
            && call.args.raw.len() <= self.limits.bytes_per_call
            && len <= self.limits.bytes.saturating_sub(self.bytes);
        if is_room {
            let mut text = std::mem::take(&mut self.joined);
            text.clear();
            text.extend_from_slice(call.name.as_bytes());
            text.extend_from_slice(call.args.raw);
            self.bytes += len;
            let pending = Pending {
                line,
                column: call.args.column,
                name_len: call.name.len(),
                text,
            };
            self.pending.insert(pid, pending);
        }
        is_room
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
        let pending = self.take_pending(pid, rest.name);
        let pending = match pending {
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

    /// Takes the call that a task resumes, if that is what it is in.
    fn take_pending(&mut self, pid: Option<u32>, name: Option<&str>) -> Result<Pending, Problem> {
        let pending = self
            .pending
            .remove(&pid)
            .ok_or(Problem::ResumedWithoutEntry)?;
        self.bytes -= pending.text.len();
        match name {
            Some(name) if name != pending.name() => Err(Problem::ResumedAsAnother {
                entry: pending.line,
            }),
            _ => Ok(pending),
        }
    }

    fn gone<'e>(&mut self, pid: Option<u32>, number: u64, exit: Exit<'e>) -> Step<'e> {
        self.last = Some((pid, number));
        self.forget(pid);
        match exit.how {
            ExitKind::Superseded { by } => {
                // The thread's execve goes on under the leader's number.
                let call = self.pending.remove(&Some(by));
                self.pending.extend(call.map(|call| (pid, call)));
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

    /// Drops a task's call under way, and returns its line.
    fn forget(&mut self, pid: Option<u32>) -> Option<u64> {
        if self.pending.is_empty() {
            return None;
        }
        let pending = self.pending.remove(&pid)?;
        self.bytes -= pending.text.len();
        Some(pending.line)
    }
}

impl Default for Assembler {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Pending {
    fn name(&self) -> &str {
        str::from_utf8(&self.text[..self.name_len]).unwrap_or_default()
    }
}

impl Tally {
    fn warn(&mut self, line: u64, column: usize, problem: Problem) -> Diagnostic {
        self.count(problem);
        Diagnostic {
            line,
            column,
            problem,
        }
    }

    fn count(&mut self, problem: Problem) {
        let counter = match problem {
            Problem::Line(_) => &mut self.unparsed,
            Problem::ResumedWithoutEntry | Problem::ResumedAsAnother { .. } => {
                &mut self.without_entry
            }
            Problem::NeverResumed { .. } => &mut self.never_resumed,
            Problem::OverLimit => &mut self.over_limit,
            Problem::FrameWithoutCall => &mut self.stray_frames,
        };
        *counter += 1;
    }
}

fn is_fork(name: &str) -> bool {
    matches!(name, "fork" | "vfork" | "clone" | "clone2" | "clone3")
}
