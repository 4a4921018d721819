//! `polter demo`: a log that comes with the program, shown and judged; then the same, live.
//!
//! | module | what it does |
//! |---|---|
//! | [`worker`] | the program with the ghost: polter itself, under a hidden verb |
//! | [`live`] | starts it, scans it, shows it spin, removes the ghost, shows it sleep |

mod live;
mod worker;

use std::io::{self, Write};

use anstyle::Style;

use crate::cli::{DemoArgs, JudgeFormat};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::fail_on::FailOn;
use crate::failure::Failure;
use crate::log::Log;
use crate::report::reports::Reports;
use crate::verdicts;

pub(crate) use worker::work;

const NAME: &str = "worker.strace";
const STORY: &str = include_str!("../../demo/worker.strace");

/// Shows the log with its line numbers, and the report on it.
///
/// The exit code is 0 although there are findings, because the demo is meant to show them.
pub(crate) fn demo(args: &DemoArgs, console: &Console) -> Result<Exit, Failure> {
    let reporting = &args.reporting;
    let out = console.report_to(reporting.output.as_deref(), Stream::Out)?;
    let mut reports = Reports::new(out, reporting.format, &[FailOn::Fault], false);
    let is_for_people = reporting.format == JudgeFormat::Text;
    if is_for_people {
        tell(&mut *reports.out)?;
    }
    let log = Log::embedded(NAME, STORY, console)?;
    verdicts::report(log, reporting, &mut reports)?;
    if is_for_people {
        live::tell(&mut *reports.out)?;
        reports.out.flush()?;
    }
    reports.finish()?;
    Ok(Exit::Clean)
}

fn tell(out: &mut dyn Write) -> io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    writeln!(out, "{bold}What strace saw{bold:#}\n")?;
    for (index, line) in STORY.lines().enumerate() {
        let style = if line.starts_with('#') {
            dim
        } else {
            Style::new()
        };
        writeln!(out, "{dim}{:>4}{dim:#}  {style}{line}{style:#}", index + 1)?;
    }
    writeln!(out, "\n{bold}What polter says{bold:#}\n")
}
