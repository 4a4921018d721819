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

use eventpoll::Outcome as Answer;
use eventpoll::stepped::{Fix, Rules, Seed, Stepped};
use polter_race::{Covered, Limit, Run, Walked};
use polter_trace::encode;

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
    match &raced.outcome {
        RaceOutcome::Searched {
            covered,
            limit,
            walked,
            found,
        } => {
            write_covered(out, *covered, *limit, walked.as_ref(), found.is_some())?;
        }
        RaceOutcome::Replayed(_, run) => write_replayed(out, run)?,
    }
    Ok(())
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

fn write_covered(
    out: &mut dyn Write,
    covered: Covered,
    limit: Option<Limit>,
    walked: Option<&Walked>,
    has_found: bool,
) -> io::Result<()> {
    let states = counted(covered.states, "state");
    let steps = counted(covered.steps, "step");
    let deep = counted(covered.depth.into(), "step");
    match (has_found, limit) {
        (true, _) if walked.is_none() => {
            writeln!(out, "found after {states} and {steps}")?;
        }
        (_, None) => {
            let ends = counted(covered.endings, "way");
            writeln!(
                out,
                "nothing can go wrong: all {states} seen, {steps} between them, \
                 {ends} to end, schedules of up to {deep}"
            )?;
        }
        (_, Some(limit)) => {
            let which = match limit {
                Limit::States => "--states",
                Limit::Steps => "--bound",
                Limit::Memory => "--memory",
                Limit::Stopped => "interrupted",
            };
            writeln!(
                out,
                "not all was seen ({which}): {states} and {steps}, schedules of up to {deep}"
            )?;
        }
    }
    if let Some(walked) = walked {
        let walks = counted(walked.walks, "random schedule");
        let steps = counted(walked.steps, "step");
        let found = if walked.found.is_some() {
            "found"
        } else {
            "nothing found"
        };
        writeln!(out, "beyond: {walks} of {steps} in all, {found}")?;
    }
    Ok(())
}

fn write_replayed(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    let turns = counted(run.turns as u64, "step");
    match (&run.found, run.stuck) {
        (Some(_), _) => writeln!(out, "replayed: {turns}, and there it is"),
        (None, Some(turn)) => writeln!(out, "replayed: stuck at step {}", turn + 1),
        (None, None) => writeln!(out, "replayed: {turns}, nothing went wrong"),
    }
}

/// Writes the steps, each in its task's column.
fn write_columns(out: &mut dyn Write, start: &Stepped, run: &Run) -> io::Result<()> {
    let columns = Columns::new(start);
    columns.heads(out, start)?;
    let mut calls = vec![None; columns.count];
    let last = run.turns;
    for step in 0..last {
        let Some(task) = task_of(run, step) else {
            continue;
        };
        if calls[task].is_none() {
            let call = next_call(run, task, step);
            if let Some(call) = start.program(task).get(call) {
                columns.row(out, None, task, &[fit(&called(call), columns.width)])?;
            }
            calls[task] = Some(());
        }
        let mut lines = Vec::new();
        for told in run.story.told.iter().filter(|told| told.step == step) {
            let text = match told.function {
                "" => "in one step".to_owned(),
                function => format!("{function}(): {}", told.text),
            };
            lines.extend(hanging(&clean(&text), columns.width));
        }
        if lines.is_empty() {
            lines.push("…".to_owned());
        }
        columns.row(out, Some(step + 1), task, &lines)?;
        for ended in run.story.ended.iter().filter(|ended| ended.step == step) {
            let call = next_call(run, ended.task, step);
            if let Some(call) = start.program(ended.task).get(call) {
                let answer = fit(&answered(call, &ended.outcome), columns.width);
                columns.row(out, None, ended.task, &[answer])?;
            }
            calls[ended.task] = None;
        }
    }
    columns.write_waiting(out, run)
}

/// The task that made a step; a timer's step counts as its task's.
fn task_of(run: &Run, step: usize) -> Option<usize> {
    let told = run.story.told.iter().find(|told| told.step == step);
    told.map(|told| told.task).or_else(|| run.story.taker(step))
}

/// The index of the call a task is in at a step.
fn next_call(run: &Run, task: usize, step: usize) -> usize {
    let ended = run.story.ended.iter();
    ended
        .filter(|ended| ended.task == task && ended.step < step)
        .count()
}

/// `close(3)`
fn called(call: &eventpoll::Syscall) -> String {
    let text = encode(call, &Answer::Gone);
    text.strip_suffix(" = ?").unwrap_or(&text).to_owned()
}

/// `= 0`, or the whole call where it wrote something.
fn answered(call: &eventpoll::Syscall, outcome: &Answer) -> String {
    let text = encode(call, outcome);
    match (outcome, text.rfind(" = ")) {
        (Answer::Done(Ok(ret)), _) if ret.out != eventpoll::Out::None => text,
        (_, Some(place)) => text[place + 1..].to_owned(),
        _ => text,
    }
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
        let count = (0..start.tasks())
            .filter(|task| start.timer_of(*task).is_none())
            .count();
        Columns {
            count,
            width: ((COLUMNS - MARGIN) / count.max(1)).clamp(24, 60) - 2,
        }
    }

    /// Writes what each task still waits for at the end.
    fn write_waiting(&self, out: &mut dyn Write, run: &Run) -> io::Result<()> {
        for task in 0..self.count {
            if let Some(waits) = run.end.waits_for(task) {
                let lines = hanging(&format!("… {}", clean(&waits)), self.width);
                self.row(out, None, task, &lines)?;
            }
        }
        Ok(())
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
