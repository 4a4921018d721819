//! A call's arguments: raw text, split at its top-level commas when asked.

use crate::error::{ErrorKind, ParseError};
use crate::scan::{Mark, Scanner, name_of};
use crate::value::Value;

/// The text between a call's parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Args<'a> {
    /// The text itself.
    pub raw: &'a [u8],
    /// The column of its first byte in the line, from 1.
    pub column: usize,
}

impl<'a> Args<'a> {
    /// Wraps text that begins at a column, counted from 1.
    pub const fn new(raw: &'a [u8], column: usize) -> Self {
        Self { raw, column }
    }

    /// Splits the text at its top-level commas, without a copy.
    ///
    /// A mark that the call was cut short (`<unfinished ...>`) is no argument and is left
    /// out, and so is the comma that strace prints before the argument it waits for.
    pub fn iter(&self) -> ArgIter<'a> {
        let raw = self
            .raw
            .strip_suffix(b"<unfinished ...>")
            .unwrap_or(self.raw);
        let raw = raw.trim_ascii_end();
        ArgIter {
            scanner: Scanner::new(raw, 0),
            raw,
            column: self.column,
            from: 0,
        }
    }

    /// Returns the argument at an index, from 0.
    pub fn get(&self, index: usize) -> Option<Arg<'a>> {
        self.iter().nth(index)
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = Arg<'a>;
    type IntoIter = ArgIter<'a>;

    fn into_iter(self) -> ArgIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Args<'a> {
    type Item = Arg<'a>;
    type IntoIter = ArgIter<'a>;

    fn into_iter(self) -> ArgIter<'a> {
        self.iter()
    }
}

/// One argument, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg<'a> {
    /// Its name, where strace prints one: `flags=CLONE_FILES`.
    pub name: Option<&'a str>,
    /// The text itself, without its name and the blanks around it.
    pub raw: &'a [u8],
    /// The column of its first byte in the line, from 1.
    pub column: usize,
}

impl<'a> Arg<'a> {
    /// Reads the text as a value; an error's column is in the line.
    pub fn value(&self) -> Result<Value<'a>, ParseError> {
        Value::parse(self.raw).map_err(|error| error.shifted(self.column - 1))
    }

    /// Names what should have stood here.
    pub const fn expected(&self, what: &'static str) -> ParseError {
        ParseError::new(ErrorKind::Expected(what), self.column)
    }
}

/// The arguments of a call, one after another.
#[derive(Debug, Clone)]
pub struct ArgIter<'a> {
    raw: &'a [u8],
    scanner: Scanner<'a>,
    column: usize,
    /// Where the next argument begins; beyond the end when there is none.
    from: usize,
}

impl<'a> Iterator for ArgIter<'a> {
    type Item = Arg<'a>;

    fn next(&mut self) -> Option<Arg<'a>> {
        if self.from >= self.raw.len() {
            return None;
        }
        let start = self.from;
        let end = self.next_comma();
        self.from = end + 1;
        let text = &self.raw[start..end];
        let blanks = text.len() - text.trim_ascii_start().len();
        let mut raw = text.trim_ascii();
        let mut column = self.column + start + blanks;
        let name = name_of(raw);
        if let Some(name) = name {
            raw = &raw[name.len() + 1..];
            column += name.len() + 1;
        }
        Some(Arg { name, raw, column })
    }
}

impl ArgIter<'_> {
    /// Returns the next top-level comma, or the end.
    ///
    /// A text cut in the middle of a string has no marks after it: all that is left is
    /// the last argument.
    fn next_comma(&mut self) -> usize {
        let mut depth = 0_usize;
        while let Ok(Some((at, mark))) = self.scanner.next_mark() {
            match mark {
                Mark::Open => depth += 1,
                Mark::Close(_) => depth = depth.saturating_sub(1),
                Mark::Comma if depth == 0 => return at,
                Mark::Comma => {}
            }
        }
        self.raw.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_split_at_the_top_only() {
        check(
            "3, {a=1, b=[2, 3]}, \"x, y\"",
            &["3", "{a=1, b=[2, 3]}", "\"x, y\""],
        );
        check(
            "3</tmp/a,b>, 4<TCP:[1->2]>",
            &["3</tmp/a,b>", "4<TCP:[1->2]>"],
        );
        check("", &[]);
        check("0", &["0"]);
        check("(1, 2), 3", &["(1, 2)", "3"]);
    }

    #[test]
    fn what_is_not_there_yet_is_no_argument() {
        check("5382, ", &["5382"]);
        check("5382, NULL <unfinished ...>", &["5382", "NULL"]);
        check(" <unfinished ...>", &[]);
    }

    #[test]
    fn text_cut_in_the_middle_is_one_last_argument() {
        check("3, \"abc, d", &["3", "\"abc, d"]);
        check("3, {a=1, b", &["3", "{a=1, b"]);
    }

    #[test]
    fn arguments_may_have_names() {
        let arg = Args::new(b"child_stack=NULL", 7).get(0).unwrap();
        assert_eq!(
            (arg.name, arg.raw, arg.column),
            (Some("child_stack"), &b"NULL"[..], 19)
        );
    }

    #[test]
    fn columns_are_those_of_the_line() {
        let columns: Vec<_> = Args::new(b"3,  4", 11)
            .iter()
            .map(|arg| arg.column)
            .collect();
        assert_eq!(columns, [11, 15]);
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let actual: Vec<_> = Args::new(text.as_bytes(), 1)
            .iter()
            .map(|arg| String::from_utf8_lossy(arg.raw).into_owned())
            .collect();
        assert_eq!(actual, expected, "{text}");
    }
}
