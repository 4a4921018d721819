//! Writes a plan for removals, or what came of it.
//!
//! ```text
//! process 100: 2 ghosts
//!     removed   fd 4 of instance 3, its file from process 101 fd 4
//!     kept      fd 6 of instance 3
//!               why      no process in sight has its file open: …
//!               way out  have the message received …
//! ```

use std::io::{self, Write};

use polter_scan::{Load, Outcome, Plan, Step, Sureness};

use super::WIDTH;
use super::style::{ASIDE, CLEAN, FAULT, LABEL, NOTE, TITLE};
use crate::exorcise_command::{Cost, Sum};
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
        .try_for_each(|step| write_step(out, pid, step))?;
    if plan.refused > 0 && plan.count(&Outcome::Planned) > 0 {
        write_refused(out, plan.refused)?;
    }
    Ok(())
}

/// Writes the process's load before and after.
pub(crate) fn write_cost(out: &mut dyn Write, cost: &Cost) -> io::Result<()> {
    for (word, load) in [("before", &cost.before), ("after", &cost.after)] {
        let load = load.as_ref().map_or("not known".to_owned(), describe_load);
        writeln!(
            out,
            "{:INDENT$}{LABEL}{word:WORD_WIDTH$}{LABEL:#}{load}",
            ""
        )?;
    }
    Ok(())
}

fn describe_load(load: &Load) -> String {
    format!(
        "{:.0} % of a core and {} in {} ms",
        load.cores * 100.0,
        counted(load.switches, "context switch"),
        load.window_ms
    )
}

/// Writes the sum of a watch.
pub(crate) fn write_sum(out: &mut dyn Write, sum: &Sum) -> io::Result<()> {
    let end = if sum.has_process_ended {
        "has ended"
    } else {
        "is not watched any more"
    };
    writeln!(
        out,
        "{TITLE}process {}{TITLE:#} {end}: {}, {} removed, {} put back, {} kept",
        sum.pid,
        counted(sum.looks, "look"),
        sum.removed,
        sum.put_back,
        sum.kept
    )
}

fn write_refused(out: &mut dyn Write, refused: u64) -> io::Result<()> {
    let refused = counted(refused, "process");
    let text = format!(
        "{refused} may not be looked at: one that shares an instance and uses the fd would lose it too"
    );
    for line in wrap(&text, WIDTH - INDENT) {
        writeln!(out, "{:INDENT$}{ASIDE}{line}{ASIDE:#}", "")?;
    }
    Ok(())
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
    let mut label = sureness_label(step.sureness);
    for reason in step
        .reasons
        .iter()
        .filter(|_| step.sureness != Sureness::Certain)
    {
        write_more(out, label, reason)?;
        label = "";
    }
    match &step.outcome {
        Outcome::Planned if !step.loses.is_empty() => {
            write_more(out, "warning", &losers(&step.loses))
        }
        Outcome::Live => write_more(
            out,
            "why",
            "the fd names its file again, or comes and goes: left alone",
        ),
        Outcome::PutBack => write_more(
            out,
            "why",
            "the fd came to name its file again while it was removed",
        ),
        Outcome::Kept { reason, way_out } => {
            write_more(out, "why", reason)?;
            write_more(out, "way out", way_out)
        }
        _ => Ok(()),
    }
}

fn sureness_label(sureness: Sureness) -> &'static str {
    match sureness {
        Sureness::Certain => "",
        Sureness::Likely => "likely",
        Sureness::Open => "open",
    }
}

/// Names the processes that can name the file and will not hear of its events any more.
fn losers(pids: &[u32]) -> String {
    let named: Vec<String> = pids.iter().take(4).map(u32::to_string).collect();
    let more = match pids.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "process {}{more} can name the file by this fd, and is not told of it any more",
        named.join(", ")
    )
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
