//! `polter top`: a live screen.

use std::io::{IsTerminal as _, stdin, stdout};

use polter_top::{Options, run};

use crate::cli::TopArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Shows the screen until the user ends it.
pub(crate) fn top(args: &TopArgs, console: &Console) -> Result<Exit, Failure> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err(Failure::NoTerminal);
    }
    let options = Options {
        interval: args.interval,
        choice: args.source.into(),
        is_coloured: console.is_coloured(),
    };
    run(&options).map_err(Failure::Screen)?;
    Ok(Exit::Clean)
}
