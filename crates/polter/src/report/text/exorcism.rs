//! What is to be removed, and what came of it.
//!
//! ```text
//! process 100: 2 ghosts
//!     removed   fd 4 of instance 3, its file from process 101 fd 4
//!     kept      fd 6 of instance 3
//!               why      no process in sight has its file open: …
//!               way out  have the message received …
//! ```

use std::io::{self, Write};

use polter_scan::{Outcome, Plan, Step};

use super::WIDTH;
use super::style::{ASIDE, CLEAN, FAULT, LABEL, NOTE, TITLE};
use crate::report::words::{counted, wrap};

const INDENT: usize = 4;
const WORD_WIDTH: usize = 10;
const LABEL_WIDTH: usize = 9;

/// Writes each ghost with its outcome.
pub(crate) fn write(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let pid = plan.pid;
    if plan.steps.is_empty() {
        return writeln!(
            out,
            "{TITLE}process {pid}{TITLE:#}: {CLEAN}no ghost{CLEAN:#}"
        );
    }
    let ghosts = counted(plan.steps.len() as u64, "registration");
    writeln!(out, "{TITLE}process {pid}{TITLE:#}: {ghosts}")?;
    plan.steps
        .iter()
        .try_for_each(|step| write_step(out, pid, step))
}

fn write_step(out: &mut dyn Write, pid: u32, step: &Step) -> io::Result<()> {
    let (style, word) = match &step.outcome {
        Outcome::Planned => (NOTE, "to remove"),
        Outcome::Removed => (CLEAN, "removed"),
        Outcome::Gone => (CLEAN, "gone"),
        Outcome::Live => (CLEAN, "live"),
        Outcome::PutBack => (NOTE, "put back"),
        Outcome::Kept { .. } => (FAULT, "kept"),
    };
    let what = describe(pid, step);
    writeln!(
        out,
        "{:INDENT$}{style}{word:WORD_WIDTH$}{style:#}{what}",
        ""
    )?;
    match &step.outcome {
        Outcome::Live => write_more(out, "why", "the number names its file again"),
        Outcome::PutBack => write_more(
            out,
            "why",
            "the number came to name its file again while it was removed",
        ),
        Outcome::Kept { reason, way_out } => {
            write_more(out, "why", reason)?;
            write_more(out, "way out", way_out)
        }
        _ => Ok(()),
    }
}

fn describe(pid: u32, step: &Step) -> String {
    let name = step.instance.iter().find(|name| name.pid == pid);
    let instance = name.map_or(-1, |name| name.fd);
    let from = match step.held_by.first() {
        Some(held) => format!("file from process {} fd {}", held.pid, held.fd),
        None => "file not to be had".to_owned(),
    };
    format!(
        "fd {} of instance {instance}  {ASIDE}events {:#x}, data {:#x}, {from}{ASIDE:#}",
        step.fd, step.events, step.data
    )
}

fn write_more(out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
    let indent = INDENT + WORD_WIDTH;
    let mut label = label;
    for line in wrap(text, WIDTH - indent - LABEL_WIDTH) {
        writeln!(
            out,
            "{:indent$}{LABEL}{label:LABEL_WIDTH$}{LABEL:#}{line}",
            ""
        )?;
        label = "";
    }
    Ok(())
}
