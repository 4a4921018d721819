//! Writes what came of several logs: each at once, or all in one document at the end.

use std::io::{self, Write};

use super::judged::Judged;
use super::{json, junit, lines, sarif, text};
use crate::cli::JudgeFormat;
use crate::fail_on::FailOn;
use crate::failure::Failure;

/// Where reports go, and in which form.
pub(crate) struct Reports<'a> {
    /// The place.
    pub(crate) out: Box<dyn Write>,
    /// The form.
    pub(crate) format: JudgeFormat,
    /// What fails a test case.
    pub(crate) fail_on: &'a [FailOn],
    /// A line that could not be followed is an error.
    pub(crate) is_strict: bool,
    all: Vec<Judged>,
}

impl<'a> Reports<'a> {
    pub(crate) fn new(
        out: Box<dyn Write>,
        format: JudgeFormat,
        fail_on: &'a [FailOn],
        is_strict: bool,
    ) -> Reports<'a> {
        let all = Vec::new();
        Reports {
            out,
            format,
            fail_on,
            is_strict,
            all,
        }
    }

    /// Writes the log's report now, if the form has one for each log.
    pub(crate) fn write(&mut self, judged: &Judged) -> Result<(), Failure> {
        let Ok(verdict) = &judged.verdict else {
            return Ok(());
        };
        let name = judged.path.to_string_lossy();
        let written = match self.format {
            JudgeFormat::Text => text::write(&mut *self.out, &name, verdict),
            JudgeFormat::Json => json::write(&mut *self.out, &name, verdict),
            JudgeFormat::Jsonl => lines::write_verdict(&mut *self.out, verdict),
            JudgeFormat::Sarif | JudgeFormat::Junit => return Ok(()),
        };
        unless_closed(written.and_then(|()| self.out.flush()))
    }

    /// Keeps the log for the end, if the form has one document for all.
    pub(crate) fn keep(&mut self, judged: Judged) {
        if matches!(self.format, JudgeFormat::Sarif | JudgeFormat::Junit) {
            self.all.push(judged);
        }
    }

    /// Writes the document, if the form has one for all logs.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let written = match self.format {
            JudgeFormat::Text | JudgeFormat::Json | JudgeFormat::Jsonl => Ok(()),
            JudgeFormat::Sarif => sarif::write(&mut *self.out, &self.all),
            JudgeFormat::Junit => {
                junit::write(&mut *self.out, &self.all, self.fail_on, self.is_strict)
            }
        };
        unless_closed(written.and_then(|()| self.out.flush()))
    }
}

/// The exit code is the verdict's although the reader has closed the pipe.
fn unless_closed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Write(error)),
        _ => Ok(()),
    }
}
