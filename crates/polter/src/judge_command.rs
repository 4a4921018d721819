//! `polter judge`: logs from files or standard input.

use std::path::{Path, PathBuf};

use polter_judge::Past;

use crate::cli::JudgeArgs;
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::families::{self, Named};
use crate::log::{self, Log};
use crate::report::judged::Judged;
use crate::report::reports::Reports;
use crate::{past, verdicts};

/// Judges each log by itself, and the files of `strace -ff` as one. The exit code is the worst.
///
/// If a log cannot be read, that is reported, and the next one is judged.
pub(crate) fn judge(args: &JudgeArgs, console: &Console) -> Result<Exit, Failure> {
    let paths = paths(&args.logs)?;
    let mut reports = verdicts::reports(&args.judging, Stream::Out, console)?;
    let past = args.from.as_deref().map(past::read).transpose()?;
    let mut worst = Exit::Clean;
    for named in families::group(&paths) {
        let past = past.as_ref();
        worst = worst.max(judge_named(&named, past, args, &mut reports, console)?);
    }
    reports.finish()?;
    Ok(worst)
}

fn judge_named(
    named: &Named<'_>,
    past: Option<&Past>,
    args: &JudgeArgs,
    reports: &mut Reports<'_>,
    console: &Console,
) -> Result<Exit, Failure> {
    let mut judge_fn = |path: &Path, log: Result<Log, Failure>| {
        let judged =
            log.and_then(|log| verdicts::judge(log, past, &args.judging, reports, console));
        match judged {
            Err(failure) if failure.is_of_a_log() => {
                console.complain(&failure);
                reports.keep(Judged::failed(path, &failure.to_string()));
                Ok(Exit::Error)
            }
            judged => judged,
        }
    };
    match named {
        Named::One(path) => judge_fn(path, Log::open(path, console)),
        Named::Several(stem, files) => match families::open(stem, files, console).transpose() {
            Some(log) => judge_fn(stem, log),
            None => {
                let mut worst = Exit::Clean;
                for (_, path) in files {
                    worst = worst.max(judge_fn(path, Log::open(path, console))?);
                }
                Ok(worst)
            }
        },
    }
}

/// The named logs; standard input if none is named and it is no terminal.
fn paths(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    if log::is_stdin_a_log() {
        return Ok(vec![Path::new("-").to_owned()]);
    }
    Err(Failure::NoLog)
}
