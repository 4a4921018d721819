//! Judges a log, writes its report, and says how it went.

use std::io::{self, Write};

use eventpoll::Policy;
use polter_judge::{Judge, Past, Verdict};

use crate::cli::{Format, Judging, Reporting};
use crate::console::Console;
use crate::exit::Exit;
use crate::fail_on::FailOn;
use crate::failure::Failure;
use crate::log::Log;
use crate::report::{json, text};

/// How many warnings `--strict` writes as errors.
const ERRORS_SHOWN: usize = 10;

/// Judges the log, writes the report to `out` and says how it went.
pub(crate) fn judge(
    log: Log,
    past: Option<&Past>,
    judging: &Judging,
    out: &mut dyn Write,
    console: &Console,
) -> Result<Exit, Failure> {
    let damage = log.damage();
    let (name, verdict) = report(log, past, &judging.reporting, out)?;
    let exit = exit(&name, &verdict, judging, console);
    if let Some(what) = damage.get() {
        console.say_error(format_args!("{name}: {what}; what came before is judged"));
        return Ok(Exit::Error);
    }
    Ok(exit)
}

/// Judges the log and writes the report; gives the log's name and the verdict.
pub(crate) fn report(
    mut log: Log,
    past: Option<&Past>,
    reporting: &Reporting,
    out: &mut dyn Write,
) -> Result<(String, Verdict), Failure> {
    let verdict = read(&mut log, past, &reporting.policies())?;
    if verdict.log.read_lines() == 0 {
        let (path, refusal) = (log.name.clone(), log.looks());
        return Err(Failure::NoLogAtAll { path, refusal });
    }
    let name = log.name.to_string_lossy().into_owned();
    // Removes the progress bar before the report is written.
    drop(log);
    match write(&name, &verdict, reporting.format, out) {
        // The exit code is the verdict's although the reader has closed the pipe.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Write(error)),
        _ => Ok((name, verdict)),
    }
}

fn read(log: &mut Log, past: Option<&Past>, policies: &[Policy]) -> Result<Verdict, Failure> {
    let mut judge = Judge::new(policies);
    if let Some(past) = past {
        judge.begin_with(past);
    }
    let name = log.name.clone();
    let (reader, lines_fn) = log.parts();
    judge.read(reader, lines_fn).map_err(Failure::read(&name))?;
    Ok(judge.finish())
}

fn write(name: &str, verdict: &Verdict, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, name, verdict)?,
        Format::Json => json::write(out, name, verdict)?,
    }
    out.flush()
}

/// The exit code of a verdict. 0 means that the log showed enough and nothing was found.
fn exit(name: &str, verdict: &Verdict, judging: &Judging, console: &Console) -> Exit {
    if judging.strict && verdict.log.warning_count > 0 {
        say_warnings(name, verdict, console);
        return Exit::Error;
    }
    let is_met = FailOn::is_met_by_log(&judging.fail_on, verdict);
    if is_met && !judging.strict && !verdict.log.is_mostly_foreign() {
        return Exit::Findings;
    }
    for gap in &verdict.gaps {
        console.say_error(format_args!("{name}: {}; {}", gap.summary, gap.advice));
    }
    match (verdict.gaps.is_empty(), is_met) {
        (false, _) => Exit::Error,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    }
}

fn say_warnings(name: &str, verdict: &Verdict, console: &Console) {
    let shown = verdict.log.warnings.iter().take(ERRORS_SHOWN);
    let mut rest = verdict.log.warning_count;
    for warning in shown {
        console.say_error(format_args!(
            "{name}:{}:{}: {}",
            warning.line, warning.column, warning.message
        ));
        rest -= 1;
    }
    if rest > 0 {
        console.say_error(format_args!("{name}: {rest} more"));
    }
}
