//! System calls: whole, unfinished, and resumed.
//!
//! ```text
//! 100 epoll_wait(3, [], 8, 0) = 0                      Call
//! 100 epoll_wait(3,  <unfinished ...>                  Unfinished
//! 100 <... epoll_wait resumed>[], 8, 0) = 0            Resumed
//! clone(flags=SIGCHLDstrace: Process 101 attached      Unfinished, torn
//! ) = 101                                              Resumed, without a name
//! ```
//! The last two are one call, torn by strace's own message on the same terminal.

use std::time::Duration;

use memchr::memmem;

use crate::args::Args;
use crate::error::{ErrorKind, ParseError};
use crate::note::Note;
use crate::result::{Returned, split_duration};
use crate::scan::{Mark, Scanner, is_name_byte};

/// A system call that begins and ends on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The system call's name.
    pub name: &'a str,
    /// What it was given, and what it gave back through memory.
    pub args: Args<'a>,
    /// What it returned.
    pub returned: Returned<'a>,
    /// How long it took (`-T`).
    pub duration: Option<Duration>,
    pub(crate) tail: Tail<'a>,
}

/// A system call that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished<'a> {
    /// The system call's name.
    pub name: &'a str,
    /// The arguments known so far.
    pub args: Args<'a>,
    /// Why the line ends here.
    pub cut: Cut<'a>,
    pub(crate) mark: &'a [u8],
}

/// A system call that ends, having begun on an earlier line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed<'a> {
    /// The system call's name; the rest of a torn line has none.
    pub name: Option<&'a str>,
    /// The rest of the arguments.
    pub args: Args<'a>,
    /// What it returned.
    pub returned: Returned<'a>,
    /// How long it took (`-T`).
    pub duration: Option<Duration>,
    pub(crate) head: &'a [u8],
    pub(crate) tail: Tail<'a>,
}

/// Why a line ends before its call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut<'a> {
    /// `<unfinished ...>`: another task's line comes first.
    Unfinished,
    /// `<detached ...>`: strace let go of the task.
    Detached,
    /// strace's own message tore the line; the rest follows on the next.
    Torn(Note<'a>),
}

/// The text between the arguments and the end, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail<'a> {
    /// `)`, blanks, `= `.
    pub(crate) equals: &'a [u8],
    /// A blank and the duration.
    pub(crate) duration: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads `name(args) = result <duration>`, beginning at `start` of the line.
    pub(crate) fn parse(line: &'a [u8], start: usize, name: &'a str) -> Result<Self, ParseError> {
        let open = start + name.len() + 1;
        let (close, equals) = find_close(line, open, true)?;
        let end = End::parse(line, close, equals)?;
        Ok(Self {
            name,
            args: Args::new(&line[open..close], open + 1),
            returned: end.returned,
            duration: end.duration,
            tail: end.tail,
        })
    }
}

impl<'a> Unfinished<'a> {
    /// Reads `name(args <unfinished ...>` and the other ways to end a line early.
    pub(crate) fn parse(line: &'a [u8], start: usize, name: &'a str) -> Option<Self> {
        let open = start + name.len() + 1;
        let (at, cut) = find_cut(line, open)?;
        Some(Self {
            name,
            args: Args::new(&line[open..at], open + 1),
            cut,
            mark: &line[at..],
        })
    }
}

impl<'a> Resumed<'a> {
    /// Reads `<... name resumed>rest) = result`.
    pub(crate) fn parse(line: &'a [u8], start: usize) -> Result<Self, ParseError> {
        let error = ParseError::new(ErrorKind::NotStrace, start + 1);
        let name_at = start + b"<... ".len();
        let name = name_at_start(&line[name_at..]).ok_or(error)?;
        let after = name_at + name.len();
        let is_resumed = line[after..].starts_with(b" resumed>");
        if !is_resumed {
            return Err(error);
        }
        let open = after + b" resumed>".len();
        Self::parse_rest(line, start, open, Some(name))
    }

    /// Reads the rest of a line that was torn: `, 88) = 101`.
    pub(crate) fn parse_torn(line: &'a [u8], start: usize) -> Result<Self, ParseError> {
        Self::parse_rest(line, start, start, None)
    }

    fn parse_rest(
        line: &'a [u8],
        start: usize,
        open: usize,
        name: Option<&'a str>,
    ) -> Result<Self, ParseError> {
        let head = &line[start..open];
        if let Some((at, _)) = find_cut(line, open) {
            // Resumed only to be cut again, at the end of the trace.
            return Ok(Self {
                name,
                args: Args::new(&line[open..at], open + 1),
                returned: Returned::UNKNOWN,
                duration: None,
                head,
                tail: Tail {
                    equals: &line[at..],
                    duration: b"",
                },
            });
        }
        let (close, equals) = find_close(line, open, false)?;
        let end = End::parse(line, close, equals)?;
        Ok(Self {
            name,
            args: Args::new(&line[open..close], open + 1),
            returned: end.returned,
            duration: end.duration,
            head,
            tail: end.tail,
        })
    }
}

/// Returns the name that a call's line begins with, if `(` or a blank follows.
pub(crate) fn name_at_start(text: &[u8]) -> Option<&str> {
    let is_name = |&&byte: &&u8| is_name_byte(byte) || byte == b'?';
    let length = text.iter().take_while(is_name).count();
    let is_ended = matches!(text.get(length), Some(b'(' | b' '));
    if length == 0 || !is_ended || text[0].is_ascii_digit() {
        return None;
    }
    str::from_utf8(&text[..length]).ok()
}

/// Finds the mark that ends a line before its call ends.
fn find_cut(line: &[u8], open: usize) -> Option<(usize, Cut<'_>)> {
    let text = &line[open..];
    if !matches!(text.last(), Some(b'>' | b'd')) {
        return None;
    }
    for (mark, cut) in [
        (&b" <unfinished ...>"[..], Cut::Unfinished),
        (b" <detached ...>", Cut::Detached),
    ] {
        if text.ends_with(mark) {
            return Some((line.len() - mark.len(), cut));
        }
    }
    if text.ends_with(b"tached") {
        let at = open + memmem::rfind(text, b"strace: Process ")?;
        return Note::parse(&line[at..]).map(|note| (at, Cut::Torn(note)));
    }
    None
}

/// Finds the `)` that closes the arguments and the end of the `= ` after it.
///
/// The rest of a resumed call may close brackets that an earlier line opened; only a
/// whole call has to be balanced.
fn find_close(line: &[u8], open: usize, is_whole: bool) -> Result<(usize, usize), ParseError> {
    let mut scanner = Scanner::new(line, open);
    let mut depth = 0_usize;
    while let Some((at, mark)) = scanner.next_mark()? {
        match mark {
            Mark::Open => depth += 1,
            Mark::Close(_) if depth > 0 => depth -= 1,
            Mark::Close(b')') => match equals_end(line, at + 1) {
                Some(equals) => return Ok((at, equals)),
                None if is_whole && line[at + 1..].iter().all(|&b| b == b' ' || b == b'=') => break,
                None if is_whole => return Err(ParseError::new(ErrorKind::NoResult, at + 2)),
                None => {}
            },
            Mark::Close(_) if is_whole => {
                return Err(ParseError::new(ErrorKind::Unbalanced, at + 1));
            }
            Mark::Close(_) | Mark::Comma => {}
        }
    }
    Err(ParseError::new(ErrorKind::Truncated, line.len() + 1))
}

/// Returns the index after blanks and `= `, if something follows.
fn equals_end(line: &[u8], from: usize) -> Option<usize> {
    let blanks = line[from..].iter().take_while(|&&b| b == b' ').count();
    let at = from + blanks;
    let is_equals = line[at..].starts_with(b"= ") && line.len() > at + 2;
    is_equals.then_some(at + 2)
}

/// The end of a call's line: its result and duration.
struct End<'a> {
    returned: Returned<'a>,
    duration: Option<Duration>,
    tail: Tail<'a>,
}

impl<'a> End<'a> {
    fn parse(line: &'a [u8], close: usize, equals: usize) -> Result<Self, ParseError> {
        let (text, duration) = split_duration(&line[equals..]);
        let returned = Returned::parse(text).map_err(|error| error.shifted(equals))?;
        Ok(Self {
            returned,
            duration,
            tail: Tail {
                equals: &line[close..equals],
                duration: &line[equals + text.len()..],
            },
        })
    }
}
