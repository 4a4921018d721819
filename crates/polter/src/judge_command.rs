//! `polter judge`: logs from files or standard input.

use std::path::{Path, PathBuf};

use crate::cli::JudgeArgs;
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log::{self, Log};
use crate::verdicts;

/// Judges each log by itself; the exit code is the worst.
///
/// A log that cannot be read is complained about, and the next one is judged.
pub(crate) fn judge(args: &JudgeArgs, console: &Console) -> Result<Exit, Failure> {
    let logs = logs(&args.logs)?;
    let mut out = console.report_to(args.judging.reporting.output.as_deref(), Stream::Out)?;
    let mut worst = Exit::Clean;
    for path in logs {
        let judged = Log::open(path, console)
            .and_then(|log| verdicts::judge(log, &args.judging, &mut *out, console));
        let exit = match judged {
            Err(failure) if failure.is_of_a_log() => {
                console.complain(&failure);
                Exit::Error
            }
            judged => judged?,
        };
        worst = worst.max(exit);
    }
    Ok(worst)
}

/// The logs named, or standard input if it is no terminal.
fn logs(named: &[PathBuf]) -> Result<Vec<&Path>, Failure> {
    if !named.is_empty() {
        return Ok(named.iter().map(PathBuf::as_path).collect());
    }
    if log::is_stdin_a_log() {
        return Ok(vec![Path::new("-")]);
    }
    Err(Failure::NoLog)
}
