//! Judges a log, writes its report, and says how it went.

use std::path::PathBuf;

use eventpoll::Policy;
use polter_judge::{Judge, Past, Verdict};

use crate::cli::{Judging, Reporting};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::fail_on::FailOn;
use crate::failure::Failure;
use crate::log::Log;
use crate::report::judged::Judged;
use crate::report::reports::Reports;

/// How many warnings `--strict` writes as errors.
const ERRORS_SHOWN: usize = 10;

/// The place for reports: the file named for them, or the stream.
pub(crate) fn reports<'a>(
    judging: &'a Judging,
    stream: Stream,
    console: &Console,
) -> Result<Reports<'a>, Failure> {
    let reporting = &judging.reporting;
    let out = console.report_to(reporting.output.as_deref(), stream)?;
    let (format, fail_on) = (reporting.format, &judging.failing.fail_on);
    Ok(Reports::new(out, format, fail_on, judging.failing.strict))
}

/// Judges the log, writes the report and says how it went.
pub(crate) fn judge(
    log: Log,
    past: Option<&Past>,
    judging: &Judging,
    reports: &mut Reports<'_>,
    console: &Console,
) -> Result<Exit, Failure> {
    let damage = log.damage();
    let (path, verdict) = read(log, past, &judging.reporting.compared.policies())?;
    let damage = damage.get();
    let exit = match damage {
        Some(_) => Exit::Error,
        None => exit(&verdict, &judging.failing.fail_on, judging.failing.strict),
    };
    let judged = Judged {
        path,
        verdict: Ok(verdict),
        damage,
        exit,
    };
    reports.write(&judged)?;
    say(
        &judged,
        &judging.failing.fail_on,
        judging.failing.strict,
        console,
    );
    reports.keep(judged);
    Ok(exit)
}

/// Judges the log and writes the report, whatever it says.
pub(crate) fn report(
    log: Log,
    reporting: &Reporting,
    reports: &mut Reports<'_>,
) -> Result<(), Failure> {
    let (path, verdict) = read(log, None, &reporting.compared.policies())?;
    let judged = Judged {
        path,
        verdict: Ok(verdict),
        damage: None,
        exit: Exit::Clean,
    };
    reports.write(&judged)?;
    reports.keep(judged);
    Ok(())
}

/// The log's name, and the verdict on it.
pub(crate) fn read(
    mut log: Log,
    past: Option<&Past>,
    policies: &[Policy],
) -> Result<(PathBuf, Verdict), Failure> {
    let mut judge = Judge::new(policies);
    if let Some(past) = past {
        judge.begin_with(past);
    }
    let name = log.name.clone();
    let (reader, lines_fn) = log.parts();
    judge.read(reader, lines_fn).map_err(Failure::read(&name))?;
    let verdict = judge.finish();
    if verdict.log.read_lines() == 0 && !verdict.log.is_recorded {
        let (path, refusal) = (log.name.clone(), log.looks());
        return Err(Failure::NoLogAtAll { path, refusal });
    }
    // Removes the progress bar before the report is written.
    drop(log);
    Ok((name, verdict))
}

/// The exit code of a verdict. 0 means that the log showed enough and nothing was found.
pub(crate) fn exit(verdict: &Verdict, fail_on: &[FailOn], is_strict: bool) -> Exit {
    if is_strict && verdict.log.warning_count > 0 {
        return Exit::Error;
    }
    let is_met = FailOn::is_met_by_log(fail_on, verdict);
    if is_met && !is_strict && !verdict.log.is_mostly_foreign() {
        return Exit::Findings;
    }
    match (verdict.gaps.is_empty(), is_met) {
        (false, _) => Exit::Error,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Clean,
    }
}

/// Says on standard error what made the exit code an error.
pub(crate) fn say(judged: &Judged, fail_on: &[FailOn], is_strict: bool, console: &Console) {
    let name = judged.path.to_string_lossy();
    let Ok(verdict) = &judged.verdict else {
        return;
    };
    if is_strict && verdict.log.warning_count > 0 {
        say_warnings(&name, verdict, console);
    } else if exit(verdict, fail_on, is_strict) == Exit::Error {
        for gap in &verdict.gaps {
            console.say_error(format_args!("{name}: {}; {}", gap.summary, gap.advice));
        }
    }
    if let Some(what) = &judged.damage {
        console.say_error(format_args!("{name}: {what}; what came before is judged"));
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
