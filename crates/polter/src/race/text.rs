//! Writes the result of a race for people: one sentence, then one column for each task.
//!
//! ```text
//!   step  100                              101
//!         close(3)
//!      1  file_close_fd_locked(): slot 3 …
//!                                          close(4)
//!      2                                   file_close_fd_locked(): slot 4 …
//! ```

use std::io::{self, Write};

use eventpoll::stepped::{Fix, Rules, Seed, Stepped};
use polter_race::{Covered, Limit, Run, Walked};

use super::columns::{Said, count, rows};
use super::{RaceOutcome, Raced, rules};
use crate::cli::RaceArgs;
use crate::report::call_text::fit;
use crate::report::words::{clean, counted, width, wrap};

/// The columns of a line.
const COLUMNS: usize = 110;
/// The columns before the first task's.
const MARGIN: usize = 6;

pub(super) fn write(out: &mut dyn Write, raced: &Raced, args: &RaceArgs) -> io::Result<()> {
    writeln!(out, "{}", clean(&raced.name))?;
    if !raced.title.is_empty() {
        writeln!(out, "  {}", clean(&raced.title))?;
    }
    write_rules(out, rules(args))?;
    if let Some((schedule, run)) = raced.run() {
        writeln!(out)?;
        if let Some((_, sentence)) = &run.found {
            for line in wrap(sentence, COLUMNS) {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
        }
        write_columns(out, &raced.start, run)?;
        writeln!(out)?;
        writeln!(out, "schedule: {}", schedule.text(&raced.start))?;
    }
    let said = match &raced.outcome {
        RaceOutcome::Searched {
            covered: what,
            limit,
            walked,
            found,
        } => covered(*what, *limit, walked.as_ref(), found.is_some()),
        RaceOutcome::Replayed(_, run) => vec![replayed(run)],
    };
    said.iter().try_for_each(|said| writeln!(out, "{said}"))
}

fn write_rules(out: &mut dyn Write, rules: Rules) -> io::Result<()> {
    for fix in Fix::ALL.into_iter().filter(|fix| !rules.has(*fix)) {
        writeln!(out, "  without {}: {}", fix.name(), fix.summary())?;
    }
    for seed in Seed::ALL.into_iter().filter(|seed| rules.errs(*seed)) {
        writeln!(out, "  with {}: {}", seed.name(), seed.summary())?;
    }
    Ok(())
}

/// What was covered, in sentences.
pub(super) fn covered(
    covered: Covered,
    limit: Option<Limit>,
    walked: Option<&Walked>,
    has_found: bool,
) -> Vec<String> {
    let states = counted(covered.states, "state");
    let steps = counted(covered.steps, "step");
    let deep = counted(covered.depth.into(), "step");
    let mut said = vec![match (has_found, limit) {
        (true, _) if walked.is_none() => format!("found after {states} and {steps}"),
        (_, None) => {
            let ends = counted(covered.endings, "way");
            format!(
                "nothing can go wrong: all {states} seen, {steps} between them, \
                 {ends} to end, schedules of up to {deep}"
            )
        }
        (_, Some(limit)) => {
            let which = match limit {
                Limit::States => "--states",
                Limit::Steps => "--bound",
                Limit::Memory => "--memory",
                Limit::Stopped => "interrupted",
            };
            format!("not all was seen ({which}): {states} and {steps}, schedules of up to {deep}")
        }
    }];
    if let Some(walked) = walked {
        let walks = counted(walked.walks, "random schedule");
        let steps = counted(walked.steps, "step");
        let found = if walked.found.is_some() {
            "found"
        } else {
            "nothing found"
        };
        said.push(format!("beyond: {walks} of {steps} in all, {found}"));
    }
    said
}

/// What came of replaying a schedule.
pub(super) fn replayed(run: &Run) -> String {
    let turns = counted(run.turns as u64, "step");
    match (&run.found, run.stuck) {
        (Some(_), _) => format!("replayed: {turns}, and there it is"),
        (None, Some(turn)) => format!("replayed: stuck at step {}", turn + 1),
        (None, None) => format!("replayed: {turns}, nothing went wrong"),
    }
}

/// Writes the steps, each in its task's column.
fn write_columns(out: &mut dyn Write, start: &Stepped, run: &Run) -> io::Result<()> {
    let columns = Columns::new(start);
    columns.heads(out, start)?;
    for row in rows(start, run) {
        let lines = match row.said {
            Said::Called(text) | Said::Answered(text) => vec![fit(&text, columns.width)],
            Said::Waits(text) => hanging(&clean(&text), columns.width),
            Said::Inside(told) if told.is_empty() => vec!["…".to_owned()],
            Said::Inside(told) => {
                let lines = told.iter();
                lines
                    .flat_map(|text| hanging(&clean(text), columns.width))
                    .collect()
            }
        };
        columns.row(out, row.step.map(|step| step + 1), row.task, &lines)?;
    }
    Ok(())
}

/// Wraps a text, and indents the lines after the first one.
fn hanging(text: &str, columns: usize) -> Vec<String> {
    let lines = wrap(text, columns.saturating_sub(2))
        .into_iter()
        .enumerate();
    lines
        .map(|(index, line)| match index {
            0 => line,
            _ => format!("  {line}"),
        })
        .collect()
}

/// The number and the width of the tasks' columns.
struct Columns {
    count: usize,
    width: usize,
}

impl Columns {
    fn new(start: &Stepped) -> Columns {
        let count = count(start);
        Columns {
            count,
            width: ((COLUMNS - MARGIN) / count.max(1)).clamp(24, 60) - 2,
        }
    }

    fn heads(&self, out: &mut dyn Write, start: &Stepped) -> io::Result<()> {
        write!(out, "{:MARGIN$}", "step")?;
        for task in 0..self.count {
            let pid = start.pid(task).to_string();
            let is_last = task + 1 == self.count;
            let pad = if is_last { 0 } else { self.width + 2 };
            write!(out, "{pid:pad$}")?;
        }
        writeln!(out)
    }

    fn row(
        &self,
        out: &mut dyn Write,
        step: Option<usize>,
        task: usize,
        lines: &[String],
    ) -> io::Result<()> {
        let step = step.map_or(String::new(), |step| step.to_string());
        for (index, line) in lines.iter().enumerate() {
            let step = if index == 0 { step.as_str() } else { "" };
            let pad = task * (self.width + 2);
            debug_assert!(width(line) <= self.width.max(8) + 2, "{line}");
            writeln!(out, "{step:>4}  {:pad$}{line}", "")?;
        }
        Ok(())
    }
}
