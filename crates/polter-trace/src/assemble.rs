//! Lines put together: what was cut is joined, what belongs together is told.
//!
//! ```text
//! 7 epoll_wait(3,  <unfinished ...>           ─▶ Entry
//! 8 write(5, "x", 1) = 1                      ─▶ Call
//!  > /lib/libc.so.6(write+0x14) [0x10]        ─▶ Frame, of the line above
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
            Body::Frame(_) => return (self.last.and_then(|(pid, _)| pid), None),
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
mod tests {
    use super::*;

    #[test]
    fn a_cut_call_is_joined() {
        check(
            "7 epoll_wait(3,  <unfinished ...>
             8 close(4) = 0
             7 <... epoll_wait resumed>[{events=EPOLLIN}], 8, -1) = 1 <0.5>",
            "7 begins epoll_wait(3, )
             8 close(4) = 0
             7 epoll_wait(3, [{events=EPOLLIN}], 8, -1) = 1 of line 1",
        );
    }

    #[test]
    fn a_note_tears_a_line() {
        check(
            "clone(flags=SIGCHLDstrace: Process 12 attached
             ) = 12
             [pid    12] close(1) = 0
             [pid    11] wait4(12,  <unfinished ...>
             [pid    12] +++ exited with 0 +++
             <... wait4 resumed>NULL, 0, NULL) = 12
             close(1) = 0",
            "- begins clone(flags=SIGCHLD)
             - clone(flags=SIGCHLD) = 12 of line 1
             12 close(1) = 0
             11 begins wait4(12, ) named 11
             12 gone
             11 wait4(12, NULL, 0, NULL) = 12 of line 4
             11 close(1) = 0",
        );
    }

    #[test]
    fn a_vfork_gives_its_nameless_task_away() {
        check(
            "vfork(strace: Process 12 attached
              <unfinished ...>
             [pid 12] execve() = 0
             [pid 11] <... vfork resumed>) = 12",
            "- begins vfork()
             12 execve() = 0
             11 vfork() = 12 of line 1 named 11",
        );
        // Without notes (-q), the child is not taken for the nameless task.
        check(
            "vfork( <unfinished ...>
             [pid 12] execve() = 0
             [pid 11] <... vfork resumed>) = 12",
            "- begins vfork()
             12 execve() = 0
             11 vfork() = 12 of line 1 named 11",
        );
        check(
            "fork() = 12
             [pid 12] close(1) = 0
             [pid 11] close(1) = 0",
            "- fork() = 12
             12 close(1) = 0
             11 close(1) = 0 named 11",
        );
    }

    #[test]
    fn an_attached_task_has_its_number_from_the_note() {
        check(
            "strace: Process 11 attached
             close(1) = 0",
            "- note
             11 close(1) = 0",
        );
    }

    #[test]
    fn an_exec_of_a_thread_goes_on_as_the_leader() {
        check(
            "12 execve(\"/bin/true\" <unfinished ...>
             11 <... futex resumed>) = ?
             11 +++ superseded by execve in pid 12 +++
             11 <... execve resumed>) = 0",
            "12 begins execve(\"/bin/true\")
             warning 2:4: a call resumes that never began
             11 gone
             11 execve(\"/bin/true\") = 0 of line 1",
        );
    }

    #[test]
    fn stack_lines_belong_to_the_call_before() {
        check(
            " > /lib/x(f+0x1) [0x2]
             7 close(4) = 0
              > /lib/x(f+0x1) [0x2]",
            "warning 1:1: a stack line without a call
             7 close(4) = 0
             7 frame /lib/x of line 2",
        );
    }

    #[test]
    fn what_does_not_fit_together_is_a_warning() {
        check(
            "7 read(3,  <unfinished ...>
             7 read(4,  <unfinished ...>
             7 close(4) = 0
             7 <... read resumed>) = 0",
            "7 begins read(3, )
             7 begins read(4, ) warning 2:3: the call on line 1 never resumed
             7 close(4) = 0 warning 3:3: the call on line 2 never resumed
             warning 4:3: a call resumes that never began",
        );
        check(
            "7 read(3,  <unfinished ...>
             7 <... write resumed>) = 0
             hello, world",
            "7 begins read(3, )
             warning 2:3: a call resumes under another name than on line 1
             warning 3:1: not a line of strace's",
        );
    }

    /// Compares the events of a log, line by line; the indent of the test is no part of it.
    #[track_caller]
    fn check(log: &str, expected: &str) {
        let strip = |line: &str| {
            line.strip_prefix("             ")
                .unwrap_or(line)
                .to_owned()
        };
        let mut assembler = Assembler::default();
        let mut actual = Vec::new();
        for (line, number) in log.lines().map(strip).zip(1..) {
            let assembled = assembler.push(number, &Line::parse(line.as_bytes()));
            let mut words = Vec::new();
            words.extend(assembled.event.map(|event| show(&event)));
            words.extend(assembled.named.map(|pid| format!("named {pid}")));
            words.extend(
                assembled
                    .warning
                    .map(|warning| format!("warning {warning}")),
            );
            actual.extend((!words.is_empty()).then(|| words.join(" ")));
        }
        let expected: Vec<_> = expected.lines().map(strip).collect();
        assert_eq!(actual, expected, "{log}");
    }

    fn show(event: &Event<'_>) -> String {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let call = |call: &Call<'_>| {
            format!(
                "{}({}) = {}",
                call.name,
                lossy(call.args.raw),
                lossy(call.returned.raw)
            )
        };
        let what = match event.kind {
            EventKind::Call(it) => call(&it),
            EventKind::Entry(it) => format!("begins {}({})", it.name, lossy(it.args.raw)),
            EventKind::Exit { entry, call: it } => format!("{} of line {entry}", call(&it)),
            EventKind::Signal(_) => "signal".to_owned(),
            EventKind::Gone(_) => "gone".to_owned(),
            EventKind::Frame { of, frame } => format!("frame {} of line {of}", lossy(frame.object)),
            EventKind::Note(_) => "note".to_owned(),
            EventKind::Comment(_) => "comment".to_owned(),
        };
        let pid = event
            .pid
            .map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        format!("{pid} {what}")
    }
}
