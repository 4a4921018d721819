//! A program that ends when polter does, however that ends: strace, and not whom it traces.
//!
//! When strace is killed, the kernel lets the command go, which runs on by itself.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cli::FollowArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// The hidden verb's name.
pub(super) const VERB: &str = "follow";

/// Becomes the program.
pub(crate) fn follow(args: &FollowArgs) -> Result<Exit, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(args.parent) {
        // It has gone before it could be followed.
        return Ok(Exit::Clean);
    }
    let Some((program, rest)) = args.command.split_first() else {
        return Ok(Exit::Clean);
    };
    let source = Command::new(program).args(rest).exec();
    let program = program.into();
    Err(Failure::Start { program, source })
}
