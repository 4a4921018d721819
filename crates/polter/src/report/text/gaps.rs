//! Writes the missing parts of a log, and how to record them.

use std::io::{self, Write};

use polter_judge::Gap;

use super::WIDTH;
use super::finding::write_labelled;
use super::style::{NOTE, TITLE};
use crate::report::words::{clean, wrap};

/// Writes every gap, with what to do.
pub(super) fn write(out: &mut dyn Write, gaps: &[Gap]) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{TITLE}What the log does not show{TITLE:#}")?;
    for gap in gaps {
        let place = gap
            .line
            .map_or_else(String::new, |line| format!(", first on line {line}"));
        let summary = clean(&gap.summary) + &place;
        let mut lines = wrap(&summary, WIDTH - 4).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(out, "  {NOTE}–{NOTE:#} {first}")?;
        lines.try_for_each(|line| writeln!(out, "    {line}"))?;
        write_labelled(out, "do", &clean(&gap.advice))?;
    }
    Ok(())
}
