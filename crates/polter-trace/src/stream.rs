//! A whole log: lines read, parsed and put together.

use std::io::{self, BufRead};

use crate::assemble::Assembler;
use crate::error::{Diagnostic, ErrorKind, Problem};
use crate::event::Assembled;
use crate::line::Line;
use crate::pending::Limits;
use crate::reader::LineReader;

/// Reads a log from a byte stream, event by event.
#[derive(Debug)]
pub struct Stream<R> {
    lines: LineReader<R>,
    assembler: Assembler,
    skipped: u64,
}

impl<R: BufRead> Stream<R> {
    /// Reads from `reader`, with the default limits.
    pub fn new(reader: R) -> Self {
        Self::with_limits(LineReader::new(reader), Limits::default())
    }

    /// Reads from lines of a chosen length, with chosen limits.
    pub fn with_limits(lines: LineReader<R>, limits: Limits) -> Self {
        Self {
            lines,
            assembler: Assembler::new(limits),
            skipped: 0,
        }
    }

    /// Reads the next line; at the end of the log, nothing.
    pub fn next_step(&mut self) -> io::Result<Option<Assembled<'_>>> {
        let Some(line) = self.lines.next_line()? else {
            return Ok(None);
        };
        if line.is_too_long {
            self.skipped += 1;
            let problem = Problem::Line(ErrorKind::TooLong);
            let warning = Diagnostic {
                line: line.number,
                column: 1,
                problem,
            };
            return Ok(Some(Assembled {
                event: None,
                warning: Some(warning),
                named: None,
            }));
        }
        Ok(Some(
            self.assembler.push(line.number, &Line::parse(line.text)),
        ))
    }

    /// Returns what was put together so far.
    pub fn assembler(&self) -> &Assembler {
        &self.assembler
    }

    /// Returns how many lines were too long, and skipped.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}
