//! Standard output and standard error, and whether they are coloured.
//!
//! Everything that is shown goes through here. [`anstream`] strips the colours where they are not
//! wanted: without a terminal, with `NO_COLOR`, with `--color never`.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use polter_trace::escape;

use crate::cli::DrawnFormat;
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
    /// Standard error, because standard output belongs to the traced command.
    Err,
}

impl Console {
    pub(crate) fn new(color: ColorChoice) -> Console {
        Console { color }
    }

    /// Standard output, for a report.
    pub(crate) fn out(&self) -> Box<dyn Write> {
        self.stream(Stream::Out)
    }

    /// The file, emptied if it exists; the stream if no file is named.
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

    /// An error if a page would be written to a terminal.
    pub(crate) fn refuse_page_on_terminal(
        &self,
        format: DrawnFormat,
        file: Option<&Path>,
    ) -> Result<(), Failure> {
        let is_refused =
            format == DrawnFormat::Html && file.is_none() && io::stdout().is_terminal();
        if is_refused {
            return Err(Failure::NotForATerminal);
        }
        Ok(())
    }

    fn stream(&self, stream: Stream) -> Box<dyn Write> {
        match stream {
            Stream::Out => Box::new(BufWriter::new(AutoStream::new(io::stdout(), self.color))),
            Stream::Err => Box::new(BufWriter::new(AutoStream::new(io::stderr(), self.color))),
        }
    }

    /// Writes a failure to standard error.
    pub(crate) fn complain(&self, failure: &Failure) {
        self.say(ERROR, "error", failure);
    }

    /// Writes an error in the input to standard error: `FILE:LINE:COLUMN: …`.
    pub(crate) fn say_error(&self, message: impl Display) {
        self.say(ERROR, "error", message);
    }

    /// Writes a warning to standard error.
    pub(crate) fn warn(&self, message: impl Display) {
        self.say(WARNING, "warning", message);
    }

    /// Writes a remark to standard error.
    #[cfg(feature = "bpf")]
    pub(crate) fn note(&self, message: impl Display) {
        self.say(Style::new(), "note", message);
    }

    fn say(&self, style: Style, kind: &str, message: impl Display) {
        let mut stderr = AutoStream::new(io::stderr(), self.color);
        let message = message.to_string();
        let mut lines = message.split('\n').map(|line| escape(line.as_bytes()));
        let first = lines.next().unwrap_or(escape(b""));
        // If standard error is closed, there is nowhere to report that.
        let _ = writeln!(stderr, "polter: {style}{kind}:{style:#} {first}");
        for line in lines {
            let _ = writeln!(stderr, "{line}");
        }
    }

    /// True if a screen has colours.
    pub(crate) fn is_coloured(&self) -> bool {
        let choice = match self.color {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()),
            chosen => chosen,
        };
        choice != ColorChoice::Never
    }

    /// True if progress can be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        io::stderr().is_terminal()
    }
}
