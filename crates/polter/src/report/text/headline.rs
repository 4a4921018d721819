//! Writes the size of the log, what could not be seen, and the number of findings.

use std::io::{self, Write};

use polter_judge::Verdict;

use super::WIDTH;
use super::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::sentences::{Found, Mood, found, read, unseen};
use crate::report::words::{clean, cut, wrap};

/// Writes the file's name, the counts, and the number of findings.
pub(super) fn write(out: &mut dyn Write, name: &str, verdict: &Verdict) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", cut(&clean(name), WIDTH))?;
    write_wrapped(out, &read(&verdict.log))?;
    if let Some(unseen) = unseen(&verdict.log) {
        write_wrapped(out, &unseen)?;
    }
    write_found(out, verdict)
}

fn write_wrapped(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in wrap(text, WIDTH - 2) {
        writeln!(out, "  {ASIDE}{line}{ASIDE:#}")?;
    }
    Ok(())
}

fn write_found(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    let Found { mood, head, rest } = found(verdict);
    match mood {
        Mood::Clean => writeln!(out, "\n{CLEAN}{head}{CLEAN:#}{rest}"),
        Mood::Note => writeln!(out, "\n{NOTE}{head}{NOTE:#}{rest}"),
        Mood::Fault if rest.is_empty() => writeln!(out, "\n{FAULT}{head}{FAULT:#}"),
        Mood::Fault => writeln!(out, "\n{FAULT}{head}{FAULT:#}, {NOTE}{rest}{NOTE:#}"),
    }
}
