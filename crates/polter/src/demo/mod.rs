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

use crate::cli::{DemoArgs, Format};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log::Log;
use crate::verdicts;

pub(crate) use worker::work;

const NAME: &str = "worker.strace";
const STORY: &str = include_str!("../../demo/worker.strace");

/// Shows the log with its line numbers, and the report on it.
///
/// The exit code is 0 although there are findings, because the demo is meant to show them.
pub(crate) fn demo(args: &DemoArgs, console: &Console) -> Result<Exit, Failure> {
    let mut out = console.report_to(args.reporting.output.as_deref(), Stream::Out)?;
    if args.reporting.format == Format::Text {
        tell(&mut *out)?;
    }
    let log = Log::embedded(NAME, STORY, console)?;
    verdicts::report(log, None, &args.reporting, &mut *out)?;
    if args.reporting.format == Format::Text {
        live::tell(&mut *out)?;
        out.flush()?;
    }
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
