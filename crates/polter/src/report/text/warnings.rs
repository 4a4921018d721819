//! Writes the lines of a log that could not be followed.

use std::io::{self, Write};

use polter_judge::{LogSummary, Warning};

use super::WIDTH;
use super::style::{ASIDE, NOTE, TITLE};
use crate::report::words::{clean, counted, cut};

/// How many warnings are shown; the rest is counted.
const SHOWN: usize = 5;

/// Writes the first warnings.
pub(super) fn write(out: &mut dyn Write, log: &LogSummary) -> io::Result<()> {
    if log.warning_count == 0 {
        return Ok(());
    }
    writeln!(out, "\n{TITLE}What could not be followed{TITLE:#}")?;
    let shown = &log.warnings[..log.warnings.len().min(SHOWN)];
    for warning in shown {
        write_one(out, warning)?;
    }
    let rest = log.warning_count - shown.len() as u64;
    if rest > 0 {
        writeln!(out, "  {ASIDE}{}{ASIDE:#}", counted(rest, "more warning"))?;
    }
    Ok(())
}

fn write_one(out: &mut dyn Write, warning: &Warning) -> io::Result<()> {
    let place = match warning.column {
        0 => format!("line {}", warning.line),
        column => format!("line {}:{column}", warning.line),
    };
    let message = cut(
        &clean(&warning.message),
        WIDTH.saturating_sub(place.len() + 4),
    );
    writeln!(out, "  {NOTE}{place}{NOTE:#}  {message}")
}
