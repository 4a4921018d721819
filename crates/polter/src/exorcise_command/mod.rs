//! `polter exorcise`: says what it is going to remove, asks, and removes it.
//!
//! | module | what it does |
//! |---|---|
//! | [`once`] | one plan: made, agreed to, carried out |
//! | [`watch`] | the same again and again |
//! | [`user`] | what the user says: answers, and Ctrl-C |
//! | [`cost`], [`sum`] | what the process used before and after; what a watch did |

mod cost;
mod once;
mod sum;
mod user;
mod watch;

use crate::cli::ExorciseArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) use cost::Cost;
pub(crate) use sum::Sum;

/// Removes a process's ghosts, once or until the user stops it; 1 if a ghost is still there.
pub(crate) fn exorcise(args: &ExorciseArgs, console: &Console) -> Result<Exit, Failure> {
    match args.watch {
        Some(_) => watch::watch(args, console),
        None => once::exorcise(args, console),
    }
}
