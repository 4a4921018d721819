//! `polter run`: a command under strace, judged at its end.

use crate::cli::RunArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the command.
pub(crate) fn run(_args: &RunArgs, _console: &mut Console) -> Result<Exit, Failure> {
    Err(Failure::NoStrace)
}
