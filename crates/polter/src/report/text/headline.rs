//! Writes the size of the log, what could not be seen, and the number of findings.

use std::io::{self, Write};

use polter_judge::{LogSummary, Severity, Verdict};

use super::WIDTH;
use super::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::words::{clean, counted, cut, number, wrap};

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

fn read(log: &LogSummary) -> String {
    let calls = format!(
        "{} ({} followed)",
        counted(log.calls, "call"),
        number(log.followed)
    );
    [
        counted(log.lines, "line"),
        calls,
        counted(log.tasks, "task"),
        counted(log.instances, "instance"),
        counted(log.registrations, "registration"),
        counted(log.events, "event"),
    ]
    .join(", ")
}

/// Everything that had to be guessed or was missing; `None` if nothing was.
fn unseen(log: &LogSummary) -> Option<String> {
    let kinds = [
        (
            log.assumed,
            "descriptor",
            "first seen in use and taken as given",
        ),
        (
            log.ambiguous_events,
            "event",
            "that several registrations may have sent",
        ),
        (
            log.unknown_events,
            "event",
            "of registrations the log does not show",
        ),
        (log.warning_count, "line", "that could not be followed"),
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, what)| format!("{} {what}", counted(count, noun)))
        .collect();
    (!parts.is_empty()).then(|| format!("not certain: {}", parts.join("; ")))
}

fn write_found(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    let faults = severity_count(verdict, Severity::Fault);
    let notes = severity_count(verdict, Severity::Note);
    if faults + notes == 0 && !verdict.gaps.is_empty() {
        return writeln!(
            out,
            "\n{NOTE}not known{NOTE:#}: nothing was found, and the log does not show all that a verdict needs"
        );
    }
    if verdict.log.instances == 0 {
        return writeln!(
            out,
            "\n{NOTE}nothing to judge{NOTE:#}: the log shows no epoll instance"
        );
    }
    match (faults, notes) {
        (0, 0) => writeln!(
            out,
            "\n{CLEAN}clean{CLEAN:#}: no ghost, and nothing taken from one process by another"
        ),
        (0, _) => writeln!(out, "\n{NOTE}{}{NOTE:#}", counted(notes, "note")),
        (_, 0) => writeln!(out, "\n{FAULT}{}{FAULT:#}", counted(faults, "fault")),
        _ => {
            let (faults, notes) = (counted(faults, "fault"), counted(notes, "note"));
            writeln!(out, "\n{FAULT}{faults}{FAULT:#}, {NOTE}{notes}{NOTE:#}")
        }
    }
}

fn severity_count(verdict: &Verdict, severity: Severity) -> u64 {
    let of_it = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity == severity);
    of_it.count() as u64
}
