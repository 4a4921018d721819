//! Where reports and complaints go, and whether they are coloured.
//!
//! Everything shown goes through here: [`anstream`] takes the colours out where
//! they are not wanted (no terminal, `NO_COLOR`, `--color never`).

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use polter_trace::escape;

use crate::failure::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Standard output and standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    color: ColorChoice,
}

/// Where a report goes when no file is named for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error: standard output is a traced command's own.
    Err,
}

impl Console {
    pub(crate) fn new(color: ColorChoice) -> Console {
        Console { color }
    }

    /// Standard output, for what was asked for.
    pub(crate) fn out(&self) -> Box<dyn Write> {
        self.stream(Stream::Out)
    }

    /// The file, made anew, or the stream if there is none.
    pub(crate) fn report_to(
        &self,
        file: Option<&Path>,
        stream: Stream,
    ) -> Result<Box<dyn Write>, Failure> {
        let Some(path) = file else {
            return Ok(self.stream(stream));
        };
        let file = File::create(path).map_err(Failure::write_file(path))?;
        Ok(Box::new(BufWriter::new(AutoStream::new(file, self.color))))
    }

    fn stream(&self, stream: Stream) -> Box<dyn Write> {
        match stream {
            Stream::Out => Box::new(BufWriter::new(AutoStream::new(io::stdout(), self.color))),
            Stream::Err => Box::new(BufWriter::new(AutoStream::new(io::stderr(), self.color))),
        }
    }

    /// Says on standard error what went wrong.
    pub(crate) fn complain(&self, failure: &Failure) {
        self.say(ERROR, "error", failure);
    }

    /// Says on standard error what may be wrong with the input: `FILE:LINE:COLUMN: …`.
    pub(crate) fn say_error(&self, message: impl Display) {
        self.say(ERROR, "error", message);
    }

    /// Says on standard error what the user may want to know.
    pub(crate) fn warn(&self, message: impl Display) {
        self.say(WARNING, "warning", message);
    }

    fn say(&self, style: Style, kind: &str, message: impl Display) {
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        let message = message.to_string();
        let mut lines = message.split('\n').map(|line| escape(line.as_bytes()));
        let first = lines.next().unwrap_or(escape(b""));
        // Nobody is left to be told when stderr is gone.
        let _ = writeln!(stderr, "polter: {style}{kind}:{style:#} {first}");
        for line in lines {
            let _ = writeln!(stderr, "{line}");
        }
    }

    /// True if progress can be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        io::stderr().is_terminal()
    }
}
