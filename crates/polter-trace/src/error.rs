//! What can be wrong with a piece of text, and where.
//!
//! A [`ParseError`] knows its column; a [`Diagnostic`] knows its line too. Neither
//! knows the file: whoever opened it says so.

use std::fmt;

use thiserror::Error;

/// A piece of text that is not what strace writes, with the column where that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("column {column}: {kind}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where, in bytes from 1.
    pub column: usize,
}

impl ParseError {
    /// Names a problem at a column, counted from 1.
    pub const fn new(kind: ErrorKind, column: usize) -> Self {
        Self { kind, column }
    }

    /// Moves the column right: for text that was cut out of a longer line.
    #[must_use]
    pub const fn shifted(self, columns: usize) -> Self {
        Self {
            kind: self.kind,
            column: self.column + columns,
        }
    }
}

/// The ways in which text fails to be strace's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It begins like nothing strace prints.
    #[error("not a line of strace's")]
    NotStrace,
    /// It ends in the middle: the log was cut short, or other output tore the line.
    #[error("the line ends in the middle")]
    Truncated,
    /// A bracket closes what was never opened.
    #[error("unbalanced bracket")]
    Unbalanced,
    /// A call's arguments are not followed by `= result`.
    #[error("expected `= result` after the arguments")]
    NoResult,
    /// A result is no number, address or `?`.
    #[error("expected a number, an address or `?` as the result")]
    BadResult,
    /// Text follows where the line should have ended.
    #[error("unexpected text")]
    Trailing,
    /// A number does not fit in 64 bits.
    #[error("number too large")]
    Overflow,
    /// Brackets nest deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("nested too deeply")]
    TooDeep,
    /// A line is longer than the reader's limit, and was skipped.
    #[error("the line is too long, skipped")]
    TooLong,
    /// Something else stands where this was wanted.
    #[error("expected {0}")]
    Expected(&'static str),
}

/// A problem in a stream of lines: where, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: u64,
    /// The column, in bytes from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.problem)
    }
}

/// What is wrong in a stream of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// One line cannot be read.
    #[error("{0}")]
    Line(ErrorKind),
    /// A call resumes that was never seen to begin.
    #[error("a call resumes that never began")]
    ResumedWithoutEntry,
    /// A call resumes under another name than it began with.
    #[error("a call resumes under another name than on line {entry}")]
    ResumedAsAnother {
        /// The line the pending call began on.
        entry: u64,
    },
    /// A task makes a call while another of its calls is pending.
    #[error("the call on line {entry} never resumed")]
    NeverResumed {
        /// The line the pending call began on.
        entry: u64,
    },
    /// More text or tasks are pending than the limits allow; the call is forgotten.
    #[error("too much is unfinished at once, the call is forgotten")]
    OverLimit,
    /// A stack line has no call before it.
    #[error("a stack line without a call")]
    FrameWithoutCall,
}
