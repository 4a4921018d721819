//! Writes one finding of the judge: a title, a sentence, the steps that led to it, and the fix.
//!
//! ```text
//!  1  fork ghost   process 100, fd 4, instance 3 (line 2)
//!     Its wait goes on reporting a number that is closed.
//!       line   4  100  epoll_ctl(3, EPOLL_CTL_ADD, 4, …) = 0   registered
//!       line   6  100  close(4) = 0                            closed by its owner
//!     kept by   process 101 fd 4
//!     fix       DEL 4 before close
//! ```

use std::io::{self, Write};

use polter_judge::{Finding, Severity};

use super::style::{ASIDE, FAULT, LABEL, NOTE, TITLE};
use super::{WIDTH, story};
use crate::report::sentences::{events, holders, place};
use crate::report::words::{clean, counted, number, wrap};

pub(super) const INDENT: usize = 4;
const LABEL_WIDTH: usize = 10;

/// Writes the finding under its number.
pub(super) fn write(out: &mut dyn Write, ordinal: usize, finding: &Finding) -> io::Result<()> {
    write_title(out, ordinal, finding)?;
    for line in wrap(&clean(&finding.summary), WIDTH - INDENT) {
        writeln!(out, "{:INDENT$}{line}", "")?;
    }
    story::write(out, &finding.story)?;
    if let Some(events) = events(finding) {
        write_labelled(out, "events", &events)?;
    }
    if !finding.holders.is_empty() {
        write_labelled(out, "kept by", &holders(&finding.holders))?;
    }
    write_labelled(out, "fix", &clean(&finding.fix))?;
    if finding.repeated > 0 {
        write_labelled(
            out,
            "repeated",
            &format!("{} more of the same", number(finding.repeated)),
        )?;
    }
    Ok(())
}

/// Says how many findings are not shown.
pub(super) fn write_left_out(out: &mut dyn Write, left_out: u64) -> io::Result<()> {
    if left_out == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\n{ASIDE}{} left out{ASIDE:#}",
        counted(left_out, "more finding")
    )
}

fn write_title(out: &mut dyn Write, ordinal: usize, finding: &Finding) -> io::Result<()> {
    let (style, mild) = match finding.severity {
        Severity::Fault => (FAULT, ""),
        Severity::Note => (NOTE, " (note)"),
    };
    let class = finding.class.name().replace('-', " ");
    writeln!(
        out,
        "\n{TITLE}{ordinal:>2}{TITLE:#}  {style}{class}{style:#}{mild}   {}",
        place(finding)
    )
}

pub(super) fn write_labelled(out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
    let mut lines = wrap(text, WIDTH - INDENT - LABEL_WIDTH).into_iter();
    let first = lines.next().unwrap_or_default();
    writeln!(
        out,
        "{:INDENT$}{LABEL}{label:LABEL_WIDTH$}{LABEL:#}{first}",
        ""
    )?;
    let indent = INDENT + LABEL_WIDTH;
    lines.try_for_each(|line| writeln!(out, "{:indent$}{line}", ""))
}
