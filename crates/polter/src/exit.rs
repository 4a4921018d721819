//! The exit codes.

use std::process::ExitCode;

/// How a run ended. If several logs ended differently, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: nothing was found that `--fail-on` names, or all answers agree.
    Clean,
    /// 1: something was found, or answers differ.
    Findings,
    /// 2: the command line is wrong; a log, a script or a process cannot be read; a report cannot
    /// be written; or a log or a scan does not show enough for a verdict and nothing else was found. With
    /// `--strict`, also if something else was found, or if there were warnings.
    Error,
    /// The command under `polter run` or `polter lab` failed, and this is its exit code; 128 and
    /// the signal's number if a signal ended it.
    Command(u8),
}

impl Exit {
    /// The table of exit codes, for `--help` and the man pages.
    pub(crate) const HELP: &str = "\
Exit codes:
  0  polter looked and found nothing that --fail-on names
  1  findings
  2  error: a wrong command line, an unreadable log or process; not known: the log does not show
     enough (with --strict also beside findings); or warnings with --strict";

    /// The same for `polter scan`.
    pub(crate) const SCAN_HELP: &str = "\
Exit codes:
  0  polter looked and found nothing that --fail-on names
  1  findings
  2  error: a wrong command line, an unreadable process; or nothing was found, and not everything
     that was asked about could be told";

    /// The same for `polter watch`.
    pub(crate) const WATCH_HELP: &str = "\
Exit codes:
  0  everything was read and enough was seen, and nothing was found that --fail-on names
  1  findings
  2  error: a wrong command line; or nothing was found, and a line could not be read, events were
     lost, or the log does not show enough (with --strict also beside findings)";

    /// The same for `polter why`.
    pub(crate) const WHY_HELP: &str = "\
Exit codes:
  0  no process spins without need, and none is deaf
  1  a cause was found
  2  error: a wrong command line, an unreadable process; or no cause was found, and not everything
     that could be one was seen";

    /// The same for `polter exorcise`.
    pub(crate) const EXORCISE_HELP: &str = "\
Exit codes:
  0  the process has no ghost left
  1  it has: one that was kept, that nobody agreed to, or that --dry-run only shows
  2  error: a wrong command line, a process that may not be looked at";

    /// The same for `polter capture`.
    pub(crate) const CAPTURE_HELP: &str = "\
Exit codes:
  0  written
  2  error: a wrong command line, a directory that is there already or cannot be written";

    /// The same for `polter check`.
    pub(crate) const CHECK_HELP: &str = "\
Exit codes:
  0  all agree: the answers written, the model's and the kernel's; every fact holds
  1  differences
  2  error: a wrong command line, a script that cannot be read or asked as it is written, a kernel
     that runs no scripts; with --strict, something that was not asked";

    /// The same for `polter witness`.
    pub(crate) const WITNESS_HELP: &str = "\
Exit codes:
  0  every pair was told apart; against the kernel: it answers as the policy does
  1  some pair was not, within the bounds; against the kernel: it answers otherwise
  2  error: a wrong command line, parts that do not fit, or a kernel that runs no scripts";

    /// The same for `polter race`.
    pub(crate) const RACE_HELP: &str = "\
Exit codes:
  0  nothing was found
  1  something can go wrong
  2  error: a wrong command line, an unreadable script, or a schedule that cannot be taken";

    fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Error => 2,
            Exit::Command(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_greatest() {
        let exits = [Exit::Findings, Exit::Command(3), Exit::Clean, Exit::Error];
        assert_eq!(exits.into_iter().max(), Some(Exit::Command(3)));
        assert_eq!(exits[..1].iter().max(), Some(&Exit::Findings));
    }
}
