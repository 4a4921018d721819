//! One line of strace's output, read without a copy and printed back byte for byte.

use std::io;

use crate::call::{Call, Resumed, Unfinished, name_at_start};
use crate::error::{ErrorKind, ParseError};
use crate::note::{Exit, Note, Signal, StackFrame};
use crate::prefix::Prefix;

/// One line, without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The task and the time.
    pub prefix: Prefix<'a>,
    /// What the line is about.
    pub body: Body<'a>,
    /// A carriage return, in a log that came through Windows; else nothing.
    pub end: &'a [u8],
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// A call that begins and ends here.
    Call(Call<'a>),
    /// A call that begins here.
    Unfinished(Unfinished<'a>),
    /// A call that ends here.
    Resumed(Resumed<'a>),
    /// The rest of a torn line, whose call is still unfinished: ` <unfinished ...>`.
    Suspended(&'a [u8]),
    /// A signal arrives, or stops the task.
    Signal(Signal<'a>),
    /// The task is gone.
    Exit(Exit<'a>),
    /// One frame of the stack under the call before.
    StackFrame(StackFrame<'a>),
    /// What strace says of itself.
    Note(Note<'a>),
    /// `# …`, as our scripts have it, or a blank line.
    Comment(&'a [u8]),
    /// None of these.
    Unparsed(Unparsed<'a>),
}

/// Text that is not a line of strace's, or is a torn one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unparsed<'a> {
    /// The text itself.
    pub raw: &'a [u8],
    /// What is wrong with it; the column counts from the line's start.
    pub error: ParseError,
}

impl<'a> Line<'a> {
    /// Reads a line, without its newline. What cannot be read is [`Body::Unparsed`].
    pub fn parse(line: &'a [u8]) -> Self {
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        let prefix = Prefix::parse(text);
        Self {
            prefix,
            body: Body::parse(text, prefix.raw.len()),
            end: &line[text.len()..],
        }
    }

    /// Prints the line back from its parts, without a newline.
    pub fn write_to(&self, out: &mut impl io::Write) -> io::Result<()> {
        self.pieces(|piece| out.write_all(piece))
    }

    /// Returns the line as it was.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Ok(()) = self.pieces(|piece| {
            bytes.extend_from_slice(piece);
            Ok::<_, std::convert::Infallible>(())
        });
        bytes
    }

    fn pieces<E>(&self, mut piece_fn: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        piece_fn(self.prefix.raw)?;
        self.body.pieces(&mut piece_fn)?;
        piece_fn(self.end)
    }
}

impl<'a> Body<'a> {
    /// Reads what begins at `start` of the line.
    fn parse(line: &'a [u8], start: usize) -> Self {
        Self::read(line, start).unwrap_or_else(|error| {
            Self::Unparsed(Unparsed {
                raw: &line[start..],
                error,
            })
        })
    }

    fn read(line: &'a [u8], start: usize) -> Result<Self, ParseError> {
        let raw = &line[start..];
        if let Some(name) = name_at_start(raw)
            && raw.get(name.len()) == Some(&b'(')
        {
            return match Unfinished::parse(line, start, name) {
                Some(unfinished) => Ok(Self::Unfinished(unfinished)),
                None => Call::parse(line, start, name).map(Self::Call),
            };
        }
        let other = match raw.first() {
            Some(b'<') if raw.starts_with(b"<... ") => {
                return Resumed::parse(line, start).map(Self::Resumed);
            }
            Some(b',' | b')' | b'}' | b']') => {
                return Resumed::parse_torn(line, start).map(Self::Resumed);
            }
            Some(b' ') if raw.starts_with(b" => ") => {
                return Resumed::parse_torn(line, start).map(Self::Resumed);
            }
            Some(b' ') if raw == b" <unfinished ...>" || raw == b" <detached ...>" => {
                Some(Self::Suspended(raw))
            }
            Some(b' ') if raw.starts_with(b" > ") => StackFrame::parse(raw).map(Self::StackFrame),
            Some(b'-') => Signal::parse(raw).map(Self::Signal),
            Some(b'+') => Exit::parse(raw).map(Self::Exit),
            _ => Note::parse(raw).map(Self::Note),
        };
        let is_comment = || matches!(raw.trim_ascii_start().first(), None | Some(b'#'));
        match other {
            Some(body) => Ok(body),
            None if is_comment() => Ok(Self::Comment(raw)),
            None => Err(ParseError::new(kind_of(raw), start + 1)),
        }
    }

    /// Gives each piece of the text, in order.
    fn pieces<E>(&self, mut piece_fn: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Call(call) => {
                piece_fn(call.name.as_bytes())?;
                piece_fn(b"(")?;
                piece_fn(call.args.raw)?;
                piece_fn(call.tail.equals)?;
                piece_fn(call.returned.raw)?;
                piece_fn(call.tail.duration)
            }
            Self::Unfinished(call) => {
                piece_fn(call.name.as_bytes())?;
                piece_fn(b"(")?;
                piece_fn(call.args.raw)?;
                piece_fn(call.mark)
            }
            Self::Resumed(call) => {
                piece_fn(call.head)?;
                piece_fn(call.args.raw)?;
                piece_fn(call.tail.equals)?;
                piece_fn(call.returned.raw)?;
                piece_fn(call.tail.duration)
            }
            Self::Suspended(raw) | Self::Comment(raw) => piece_fn(raw),
            Self::Signal(signal) => piece_fn(signal.raw),
            Self::Exit(exit) => piece_fn(exit.raw),
            Self::StackFrame(frame) => piece_fn(frame.raw),
            Self::Note(note) => piece_fn(note.raw),
            Self::Unparsed(unparsed) => piece_fn(unparsed.raw),
        }
    }
}

/// Tells a line cut short within its first word or dashes from one of another program.
fn kind_of(raw: &[u8]) -> ErrorKind {
    let is_cut = [&b"<... "[..], b"--- ", b"+++ ", b"[pid "]
        .iter()
        .any(|mark| raw.starts_with(mark) || mark.starts_with(raw));
    let is_name = raw
        .iter()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
    if is_cut || is_name {
        ErrorKind::Truncated
    } else {
        ErrorKind::NotStrace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_calls() {
        check(
            "epoll_create1(EPOLL_CLOEXEC)            = 3",
            "call epoll_create1(EPOLL_CLOEXEC) = 3",
        );
        check(
            "100 close(3) = 0 <0.000012>",
            "100 call close(3) = 0 took 12µs",
        );
        check("exit_group(0) = ?", "call exit_group(0) = ?");
        check(
            "futex(0x1, FUTEX_WAIT, 1, NULL <unfinished ...>) = ?",
            "call futex(0x1, FUTEX_WAIT, 1, NULL <unfinished ...>) = ?",
        );
        check(
            "restart_syscall(<... resuming interrupted read ...>) = 0",
            "call restart_syscall(<... resuming interrupted read ...>) = 0",
        );
        check(
            "read(3, \") = 5\", 6) = 6",
            "call read(3, \") = 5\", 6) = 6",
        );
        check(
            "syscall_0x3e7(0x1) = -1 ENOSYS (x)\r",
            "call syscall_0x3e7(0x1) = -1 ENOSYS (x)",
        );
    }

    #[test]
    fn unfinished_calls() {
        check("7 wait4(5,  <unfinished ...>", "7 begins wait4(5, ");
        check("7 gettid( <unfinished ...>", "7 begins gettid(");
        check("7 read(3,  <detached ...>", "7 begins read(3, ");
        check(
            "clone(flags=SIGCHLDstrace: Process 5 attached",
            "begins clone(flags=SIGCHLD torn by 5",
        );
        check(
            "vfork(strace: Process 5 attached",
            "begins vfork( torn by 5",
        );
    }

    #[test]
    fn resumed_calls() {
        check(
            "7 <... read resumed>\"a\", 1) = 1",
            "7 ends read: \"a\", 1) = 1",
        );
        check(
            "7 <... read resumed> \"a\", 1) = 1",
            "7 ends read:  \"a\", 1) = 1",
        );
        check("7 <... gettid resumed>) = 1 <0.5>", "7 ends gettid: ) = 1");
        check(
            "7 <... nanosleep resumed> <unfinished ...>) = ?",
            "7 ends nanosleep:  <unfinished ...>) = ?",
        );
        check(
            "<... bpf resumed>=> 80}}, 16) = 0",
            "ends bpf: => 80}}, 16) = 0",
        );
        check(
            " => {parent_tid=[5381]}, 88) = 5381",
            "ends:  => {parent_tid=[5381]}, 88) = 5381",
        );
        check(") = 5", "ends: ) = 5");
        check("<... f resumed>a), b) = 5", "ends f: a), b) = 5");
        check(" <unfinished ...>", "suspended");
    }

    #[test]
    fn other_lines() {
        check("# a comment", "comment");
        check("", "comment");
        check("7 --- SIGCHLD {si_signo=SIGCHLD} ---", "7 signal");
        check("+++ exited with 0 +++", "exit");
        check(" > /lib/x(f+0x1) [0x2]", "frame");
        check("[pid 7] strace: Process 8 attached", "7 note");
    }

    #[test]
    fn a_line_cut_short_is_truncated() {
        let line =
            "100 epoll_ctl(3, EPOLL_CTL_ADD, 4</tmp/a>, {events=EPOLLIN}) = -1 EINVAL (Invalid";
        for end in 5..line.len() {
            let parsed = Line::parse(&line.as_bytes()[..end]);
            let is_whole = line[..end].ends_with("= -1")
                || line[..end].contains("= -1 ") && !line[..end].contains(" (I");
            match parsed.body {
                Body::Call(_) => assert!(is_whole, "{}", &line[..end]),
                Body::Unparsed(Unparsed { error, .. }) => {
                    let is_sign = line[..end].ends_with("= -");
                    assert!(
                        is_sign || error.kind == ErrorKind::Truncated,
                        "{} {error}",
                        &line[..end]
                    );
                }
                _ => panic!("{}", &line[..end]),
            }
        }
    }

    #[test]
    fn what_is_not_straces_is_said_so() {
        check("hello, world", "column 1: not a line of strace's");
        check("f(]) = 1", "column 3: unbalanced bracket");
        check(
            "f() x = 1",
            "column 4: expected `= result` after the arguments",
        );
        check(
            "7 f(1) = x",
            "7 column 10: expected a number, an address or `?` as the result",
        );
        check("\0\0", "column 1: not a line of strace's");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let line = Line::parse(text.as_bytes());
        assert_eq!(
            String::from_utf8_lossy(&line.to_bytes()),
            text,
            "printed back"
        );
        let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let pid = line
            .prefix
            .pid
            .map(|pid| format!("{pid} "))
            .unwrap_or_default();
        let body = match line.body {
            Body::Call(call) => {
                let took = call
                    .duration
                    .map(|took| format!(" took {took:?}"))
                    .unwrap_or_default();
                format!(
                    "call {}({}) = {}{took}",
                    call.name,
                    lossy(call.args.raw),
                    lossy(call.returned.raw)
                )
            }
            Body::Unfinished(call) => {
                let torn = match call.cut {
                    crate::Cut::Torn(Note {
                        what: crate::NoteKind::Attached(pid),
                        ..
                    }) => format!(" torn by {pid}"),
                    _ => String::new(),
                };
                format!("begins {}({}{torn}", call.name, lossy(call.args.raw))
            }
            Body::Resumed(call) => {
                let name = call.name.map(|name| format!(" {name}")).unwrap_or_default();
                format!(
                    "ends{name}: {}) = {}",
                    lossy(call.args.raw),
                    lossy(call.returned.raw)
                )
            }
            Body::Suspended(_) => "suspended".to_owned(),
            Body::Signal(_) => "signal".to_owned(),
            Body::Exit(_) => "exit".to_owned(),
            Body::StackFrame(_) => "frame".to_owned(),
            Body::Note(_) => "note".to_owned(),
            Body::Comment(_) => "comment".to_owned(),
            Body::Unparsed(unparsed) => unparsed.error.to_string(),
        };
        assert_eq!(format!("{pid}{body}"), expected, "{text}");
    }
}
