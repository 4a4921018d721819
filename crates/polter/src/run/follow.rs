//! The hidden verb that strace is started by: strace ends when polter does, however polter ends.
//!
//! The traced command does not: when strace is killed, the kernel detaches the command, which runs
//! on.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cli::FollowArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// The hidden verb's name.
pub(super) const VERB: &str = "follow";

/// Becomes the program, which keeps the death signal across exec.
pub(crate) fn follow(args: &FollowArgs) -> Result<Exit, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(args.parent) {
        // The parent ended before the death signal was set: nobody would send it.
        return Ok(Exit::Clean);
    }
    let Some((program, rest)) = args.command.split_first() else {
        return Ok(Exit::Clean);
    };
    let source = Command::new(program).args(rest).exec();
    let program = program.into();
    Err(Failure::Start { program, source })
}
