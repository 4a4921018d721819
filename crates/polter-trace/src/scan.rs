//! The one walk over strace's text: brackets, strings, comments and decorations.
//!
//! ```text
//! epoll_ctl(3<anon_inode:[eventpoll]>, 0x1 /* EPOLL_CTL_ADD */, 4, {events=…}) = 0
//!           └ decoration ──────────┘ ▲     └ comment ────────┘  ▲  ▲        ▲▲
//!                                  Comma                     Comma Open  Close Close
//! ```
//! Strings, comments and decorations are stepped over whole, so that a bracket or a
//! comma inside one is never taken for structure.

use memchr::{memchr, memchr2, memmem};

use crate::error::{ErrorKind, ParseError};

/// A place where the structure of a text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close(u8),
    /// `,`.
    Comma,
}

/// A cursor over text that stops at the marks of structure.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// Returns the next mark and where it is; at the end of the text, nothing.
    #[inline]
    pub(crate) fn next_mark(&mut self) -> Result<Option<(usize, Mark)>, ParseError> {
        let text = self.text;
        let mut at = self.at;
        while let Some(&byte) = text.get(at) {
            let mark = match CLASS[usize::from(byte)] {
                PLAIN => {
                    at += 1;
                    continue;
                }
                OPEN => Mark::Open,
                CLOSE => Mark::Close(byte),
                COMMA => Mark::Comma,
                _ => {
                    at = skip_quoted(text, at)?;
                    continue;
                }
            };
            self.at = at + 1;
            return Ok(Some((at, mark)));
        }
        self.at = at;
        Ok(None)
    }
}

/// Steps over what begins at `at`: a string, a comment, a decoration, or one plain byte.
fn skip_quoted(text: &[u8], at: usize) -> Result<usize, ParseError> {
    match text[at] {
        b'"' => string_end(text, at),
        b'/' if text.get(at + 1) == Some(&b'*') => comment_end(text, at),
        b'<' if text.get(at + 1) == Some(&b'<') => Ok(at + 2),
        b'<' if at > 0 && is_name_byte(text[at - 1]) => decoration_end(text, at),
        _ => Ok(at + 1),
    }
}

/// Returns the index after the string that opens at `at`.
pub(crate) fn string_end(text: &[u8], at: usize) -> Result<usize, ParseError> {
    let mut from = at + 1;
    while let Some(found) = text.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        let here = from + found;
        if text[here] == b'"' {
            return Ok(here + 1);
        }
        from = here + 2;
    }
    Err(truncated(text))
}

/// Returns the index after the comment that opens at `at`.
pub(crate) fn comment_end(text: &[u8], at: usize) -> Result<usize, ParseError> {
    memmem::find(&text[at + 2..], b"*/")
        .map(|found| at + 2 + found + 2)
        .ok_or_else(|| truncated(text))
}

/// Returns the index after the decoration that opens at `at`, as `-y` and `-yy` print it.
///
/// A path's own `<` and `>` are escaped, so that a `<` inside opens a nested one:
/// `</dev/null<char 1:3>>`. The arrow of `<TCP:[a->b]>` closes nothing; in a path, which
/// may end in `-`, there are no arrows.
pub(crate) fn decoration_end(text: &[u8], at: usize) -> Result<usize, ParseError> {
    let has_arrows = text.get(at + 1) != Some(&b'/');
    if !has_arrows {
        // A plain path, by far the most common.
        if let Some(found) = memchr(b'>', &text[at..])
            && memchr2(b'\\', b'<', &text[at + 1..at + found]).is_none()
        {
            return Ok(at + found + 1);
        }
    }
    let mut depth = 0_usize;
    let mut from = at;
    while let Some(&byte) = text.get(from) {
        match byte {
            b'\\' => from += 1,
            b'"' if has_arrows => {
                from = string_end(text, from)?;
                continue;
            }
            b'<' => depth += 1,
            b'>' if has_arrows && text[from - 1] == b'-' => {}
            b'>' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(from + 1);
                }
            }
            _ => {}
        }
        from += 1;
    }
    Err(truncated(text))
}

/// True for the bytes of a system call's or a constant's name.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn truncated(text: &[u8]) -> ParseError {
    ParseError::new(ErrorKind::Truncated, text.len() + 1)
}

const PLAIN: u8 = 0;
const OPEN: u8 = 1;
const CLOSE: u8 = 2;
const COMMA: u8 = 3;
const QUOTED: u8 = 4;

const CLASS: [u8; 256] = {
    let mut class = [PLAIN; 256];
    class[b'(' as usize] = OPEN;
    class[b'[' as usize] = OPEN;
    class[b'{' as usize] = OPEN;
    class[b')' as usize] = CLOSE;
    class[b']' as usize] = CLOSE;
    class[b'}' as usize] = CLOSE;
    class[b',' as usize] = COMMA;
    class[b'"' as usize] = QUOTED;
    class[b'/' as usize] = QUOTED;
    class[b'<' as usize] = QUOTED;
    class
};

/// Returns the name of `name=value`, but not that of `name == 0` or `name=>out`.
pub(crate) fn name_of(text: &[u8]) -> Option<&str> {
    if text.first().is_none_or(u8::is_ascii_digit) {
        return None;
    }
    let length = text.iter().take_while(|&&byte| is_name_byte(byte)).count();
    let is_name = length > 0
        && text.get(length) == Some(&b'=')
        && !matches!(text.get(length + 1), Some(b'=' | b'>'));
    is_name.then(|| str::from_utf8(&text[..length]).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_hide_their_brackets() {
        check(r#""(\"[", ("#, "6, 8(");
    }

    #[test]
    fn comments_hide_their_commas() {
        check("1 /* a, b */, 2", "12,");
    }

    #[test]
    fn decorations_hide_everything() {
        check("3<TCP:[1:80->2:90]>, 4", "19,");
        check("3</tmp/a,b->, 4", "12,");
        check("3</dev/null<char 1:3>>, 4", "22,");
        check(r#"3<UNIX:[1->2,"/a,>b"]>, 4"#, "22,");
        check(r"3</we\76ird\n\>>, 4", "16,");
    }

    #[test]
    fn a_shift_is_no_decoration() {
        check("{a=1<<CAP_KILL, b}", "0( 14, 17}");
    }

    #[test]
    fn an_open_string_is_truncated() {
        check("\"abc", "truncated");
        check("\"abc\\", "truncated");
        check("5</tm", "truncated");
        check("/* x", "truncated");
    }

    /// Writes each mark as its index and its kind, every opening bracket as `(`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut scanner = Scanner::new(text.as_bytes(), 0);
        let mut marks = Vec::new();
        let actual = loop {
            match scanner.next_mark() {
                Ok(Some((at, Mark::Open))) => marks.push(format!("{at}(")),
                Ok(Some((at, Mark::Close(byte)))) => marks.push(format!("{at}{}", byte as char)),
                Ok(Some((at, Mark::Comma))) => marks.push(format!("{at},")),
                Ok(None) => break marks.join(" "),
                Err(_) => break "truncated".to_owned(),
            }
        };
        assert_eq!(actual, expected, "{text}");
    }
}
