//! Writes the report on running processes.
//!
//! ```text
//!   102 processes looked at, 3 instances, 12 registrations
//!   by a walk in the kernel
//!
//! 1 fault
//!
//!  1  fork ghost   worker (100), fd 4, instance 3
//!     4 is closed, and a forked process keeps the file: …
//!     tables    process 100: closed
//!     kept by   process 101 fd 4
//!     fix       EPOLL_CTL_DEL before the close of 4; now: polter exorcise 100 --fd 4
//! ```

use std::io::{self, Write};

use polter_scan::{
    Busy, By, Finding, Held, InTable, Meaning, Report, Severity, Source, Spin, Sureness,
};

use super::WIDTH;
use super::finding::{INDENT, write_labelled, write_left_out};
use super::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::words::{clean, counted, cut, wrap};

/// How many items of a longer list are named.
const SHOWN: usize = 6;

/// How many findings are shown; JSON has all of them.
const FINDINGS_SHOWN: usize = 50;

/// The columns of a process's name. Linux keeps 15 bytes, but a capture may hold more.
const COMM_WIDTH: usize = 24;

/// Writes how much was read, and the findings.
pub(crate) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let read = [
        format!("{} looked at", counted(report.processes, "process")),
        counted(report.instances, "instance"),
        counted(report.registrations, "registration"),
    ];
    write_aside(out, &read.join(", "))?;
    write_aside(out, &source(&report.source))?;
    if let Some(unseen) = unseen(report) {
        write_aside(out, &unseen)?;
    }
    write_found(out, report)?;
    for (index, finding) in report.findings.iter().take(FINDINGS_SHOWN).enumerate() {
        write_finding(out, index + 1, finding)?;
    }
    let more = report.findings.len().saturating_sub(FINDINGS_SHOWN) as u64;
    write_left_out(out, more + report.findings_left_out)
}

fn write_aside(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in wrap(text, WIDTH - 2) {
        writeln!(out, "  {ASIDE}{line}{ASIDE:#}")?;
    }
    Ok(())
}

/// The way the snapshot was taken, and why the kernel did not walk.
fn source(source: &Source) -> String {
    let by = match source.by {
        By::Bpf => "by a walk in the kernel",
        By::Proc => "by /proc and kcmp(2)",
        By::Capture => "by a captured /proc",
    };
    match &source.why_not_bpf {
        Some(why_not) => format!("{by}; not in the kernel: {}", clean(why_not)),
        None => by.to_owned(),
    }
}

/// Everything that could not be seen; `None` if nothing was missing.
fn unseen(report: &Report) -> Option<String> {
    let refused = if rustix::process::geteuid().is_root() {
        "that may not be looked at even by root: what they keep is not known"
    } else {
        "that may not be looked at (run as root): what they keep is not known"
    };
    let kinds = [
        (report.refused, "process", refused),
        (report.vanished, "process", "that ended meanwhile"),
        (
            report.unknown,
            "registration",
            "whose file could not be told from others",
        ),
        (
            report.left_out_rows,
            "row",
            "of instances that made no sense",
        ),
        (
            report.effort.kcmp_refused,
            "comparison",
            "refused by kcmp(2)",
        ),
        (
            report.effort.kcmp_left_out,
            "comparison",
            "left out: too many",
        ),
        (report.effort.fds_left_out, "open fd", "beyond the limit"),
        (
            report.effort.registrations_left_out,
            "registration",
            "beyond the limit",
        ),
        (
            report.effort.instances_left_out,
            "instance",
            "that could not be read",
        ),
        (
            report.effort.unsettled,
            "registration",
            "that changed from look to look",
        ),
    ];
    let mut parts: Vec<String> = kinds
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, what)| format!("{} {what}", counted(count, noun)))
        .collect();
    if report.source.is_hidden {
        parts.push("other users' processes, which /proc hides (run as root)".to_owned());
    }
    if report.source.is_contained {
        parts.push("processes outside this container, and what they keep".to_owned());
    }
    (!parts.is_empty()).then(|| format!("not seen: {}", parts.join("; ")))
}

fn write_found(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let count = |severity| {
        let findings = report.findings.iter();
        findings.filter(|it| it.severity == severity).count() as u64
    };
    if report.instances == 0 {
        return writeln!(
            out,
            "\n{NOTE}nothing to judge{NOTE:#}: no epoll instance is held"
        );
    }
    let (faults, notes) = (count(Severity::Fault), count(Severity::Note));
    let (faults_text, notes_text) = (counted(faults, "fault"), counted(notes, "note"));
    match (faults, notes) {
        (0, 0) if report.untold() > 0 => writeln!(
            out,
            "\n{NOTE}nothing found{NOTE:#}, and not everything could be told: see above"
        ),
        (0, 0) if !report.busy.is_empty() => write_busy(out, &report.busy),
        (0, 0) => writeln!(
            out,
            "\n{CLEAN}clean{CLEAN:#}: every registration's fd names its file, and no instance is shared"
        ),
        (0, _) => writeln!(out, "\n{NOTE}{notes_text}{NOTE:#}"),
        (_, 0) => writeln!(out, "\n{FAULT}{faults_text}{FAULT:#}"),
        _ => writeln!(
            out,
            "\n{FAULT}{faults_text}{FAULT:#}, {NOTE}{notes_text}{NOTE:#}"
        ),
    }
}

/// Names the processes that never rest, if no registration explains it.
fn write_busy(out: &mut dyn Write, busy: &[Busy]) -> io::Result<()> {
    writeln!(
        out,
        "\n{NOTE}nothing found{NOTE:#}, and no registration explains this:"
    )?;
    for it in busy.iter().take(SHOWN) {
        let comm = cut(&clean(&it.comm), COMM_WIDTH);
        let wanted = it.busy.min(1.0) * 100.0;
        writeln!(
            out,
            "  {comm} ({}) had a CPU or wanted one for {wanted:.0} % of the time",
            it.pid
        )?;
    }
    Ok(())
}

fn write_finding(out: &mut dyn Write, ordinal: usize, finding: &Finding) -> io::Result<()> {
    let (style, mild) = match finding.severity {
        Severity::Fault => (FAULT, ""),
        Severity::Note => (NOTE, " (note)"),
    };
    let class = finding.class.name().replace('-', " ");
    let sure = sureness(finding.sureness);
    let comm = cut(&clean(&finding.comm), COMM_WIDTH);
    writeln!(
        out,
        "\n{TITLE}{ordinal:>2}{TITLE:#}  {style}{class}{style:#}{sure}{mild}   {comm} ({}), fd {}{}",
        finding.pid,
        finding.fd,
        instance(finding)
    )?;
    for line in wrap(&finding.summary, WIDTH - INDENT) {
        writeln!(out, "{:INDENT$}{line}", "")?;
    }
    if !finding.tables.is_empty() {
        let in_table = |table: &InTable| in_table(finding, table);
        write_labelled(out, "tables", &listed(&finding.tables, in_table))?;
    }
    if !finding.held_by.is_empty() {
        let held = |held: &Held| self::held(finding, held);
        write_labelled(out, "kept by", &listed(&finding.held_by, held))?;
    }
    if let Some(nameless @ 1..) = finding.nameless {
        let what = "without an fd: a message on its way, an io_uring, a mapping, a call under way";
        let text = format!("{} {what}", counted(nameless, "reference"));
        write_labelled(out, "kept by", &text)?;
    }
    let mut label = match finding.sureness {
        Sureness::Open => "open",
        Sureness::Certain | Sureness::Likely => "reasons",
    };
    for reason in finding.reasons.iter().take(SHOWN) {
        write_labelled(out, label, reason)?;
        label = "";
    }
    if let Some(spin) = &finding.spin {
        write_labelled(out, "spin", &describe_spin(spin))?;
    }
    write_labelled(out, "fix", &finding.fix)
}

/// The process's fd for the instance, unless the finding is about that fd.
fn instance(finding: &Finding) -> String {
    let name = finding.instance.iter().find(|name| name.pid == finding.pid);
    match name {
        Some(name) if name.fd != finding.fd => format!(", instance {}", name.fd),
        _ => String::new(),
    }
}

fn listed<T>(items: &[T], name_fn: impl Fn(&T) -> String) -> String {
    let mut named: Vec<String> = items.iter().take(SHOWN).map(name_fn).collect();
    let more = items.len() - named.len();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

/// A mark for a finding that is not certain.
pub(super) fn sureness(sureness: Sureness) -> &'static str {
    match sureness {
        Sureness::Certain => "",
        Sureness::Likely => " (likely)",
        Sureness::Open => " (open)",
    }
}

/// A process, or a thread that has a table of its own.
fn called(finding: &Finding, pid: u32) -> String {
    match finding.threads.get(&pid) {
        Some(leader) => format!("thread {pid} of process {leader}"),
        None => format!("process {pid}"),
    }
}

fn in_table(finding: &Finding, table: &InTable) -> String {
    let meaning = match table.meaning {
        Meaning::Same => "the file",
        Meaning::Other => "another file",
        Meaning::Closed => "closed",
        Meaning::Unknown => "not known",
    };
    format!("{}: {meaning}", called(finding, table.pid))
}

fn held(finding: &Finding, held: &Held) -> String {
    let doubt = if held.is_certain {
        ""
    } else {
        " (by its inode)"
    };
    format!("{} fd {}{doubt}", called(finding, held.pid), held.fd)
}

fn describe_spin(spin: &Spin) -> String {
    let ready = match spin.is_ready {
        Some(true) => "the file is readable",
        Some(false) => "the file has nothing to read",
        None => "the file cannot be asked",
    };
    format!(
        "{:.0} % of a core and {} in {} ms; {ready}{}",
        spin.cores * 100.0,
        counted(spin.switches, "context switch"),
        spin.window_ms,
        if spin.is_spinning() { ": it spins" } else { "" }
    )
}
