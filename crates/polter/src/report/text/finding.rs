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

use polter_judge::{Finding, Instance, KeptBy, Severity};

use super::style::{ASIDE, FAULT, LABEL, NOTE, TITLE};
use super::{WIDTH, story};
use crate::report::words::{clean, counted, number, wrap};

pub(super) const INDENT: usize = 4;
const LABEL_WIDTH: usize = 10;

const HOLDERS_SHOWN: usize = 6;

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
    let Finding {
        pid, fd, instance, ..
    } = finding;
    let instance = describe_instance(instance, *pid);
    writeln!(
        out,
        "\n{TITLE}{ordinal:>2}{TITLE:#}  {style}{class}{style:#}{mild}   process {pid}, fd {fd}, {instance}"
    )
}

fn describe_instance(instance: &Instance, pid: u32) -> String {
    let of = if instance.pid == pid {
        String::new()
    } else {
        format!(" of process {}", instance.pid)
    };
    if instance.fd < 0 {
        return "an instance older than the log".to_owned();
    }
    match instance.line {
        Some(line) => format!("instance {}{of} (line {line})", instance.fd),
        None => format!("instance {}{of} (older than the log)", instance.fd),
    }
}

fn events(finding: &Finding) -> Option<String> {
    let until = match finding.ended {
        Some(line) => format!("until line {line}"),
        None => "to the end of the log".to_owned(),
    };
    (finding.events > 0).then(|| format!("{} reported through it, {until}", number(finding.events)))
}

fn holders(holders: &[KeptBy]) -> String {
    let mut named: Vec<String> = holders
        .iter()
        .take(HOLDERS_SHOWN)
        .map(describe_holder)
        .collect();
    let more = holders.len() - named.len();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

fn describe_holder(holder: &KeptBy) -> String {
    match holder {
        KeptBy::Fd { pid, fd } => format!("process {pid} fd {fd}"),
        KeptBy::Thread { tid, fd } => format!("thread {tid} fd {fd}, in a table of its own"),
        KeptBy::InFlight => "a message not yet received".to_owned(),
        KeptBy::Ring => "the fixed files of an io_uring".to_owned(),
        KeptBy::Unknown => "somebody the log does not show".to_owned(),
    }
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
