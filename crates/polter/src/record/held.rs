//! A command that waits until it is recorded.
//!
//! It is started as polter itself, by a hidden verb that stops itself. When the recorder stands it goes on, and becomes the
//! command: nothing that the command does is missed. Until then it ends with polter; from then on it does not.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, kill_process, set_parent_process_death_signal,
    waitpid,
};

use super::send;
use crate::cli::HoldArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::{exit_of, is_in_foreground};

/// The hidden verb's name.
const VERB: &str = "hold";

/// Waits, and becomes the program.
pub(crate) fn hold(args: &HoldArgs) -> Result<Exit, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(args.parent) {
        return Ok(Exit::Clean);
    }
    kill_process(getpid(), Signal::STOP).map_err(io::Error::from)?;
    set_parent_process_death_signal(None).map_err(io::Error::from)?;
    let Some((program, rest)) = args.command.split_first() else {
        return Ok(Exit::Clean);
    };
    let source = Command::new(program).args(rest).exec();
    let program = program.into();
    Err(Failure::Start { program, source })
}

/// A command that has not begun.
#[derive(Debug)]
pub(crate) struct Held {
    child: Child,
}

impl Held {
    /// Starts it, and waits until it has stopped itself.
    pub(crate) fn start(command: &[OsString]) -> Result<Held, Failure> {
        let program = PathBuf::from(&command[0]);
        let failed = |source| Failure::Start { program, source };
        let own = match env::current_exe() {
            Ok(own) => own,
            Err(source) => return Err(failed(source)),
        };
        let me = std::process::id().to_string();
        let mut held = Command::new(own);
        held.args([VERB, &me, "--"]).args(command);
        let child = held.spawn().map_err(failed)?;
        let pid = Pid::from_child(&child);
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => Ok(Held { child }),
            Ok(_) => Err(Failure::NothingRecorded),
            Err(error) => Err(Failure::Write(error.into())),
        }
    }

    /// Its pid, which it keeps.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it before it has begun.
    pub(crate) fn give_up(mut self) {
        // It is stopped, and has done nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Has it begin.
    pub(crate) fn go_on(self) -> Result<Running, Failure> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::CONT).map_err(io::Error::from)?;
        Ok(Running {
            child: self.child,
            pid,
        })
    }
}

/// A command that runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pid: Pid,
}

impl Running {
    /// How it has ended; `None` if it has not.
    pub(crate) fn ended(&mut self) -> Result<Option<Exit>, Failure> {
        let status = self.child.try_wait().map_err(Failure::Write)?;
        Ok(status.map(exit_of))
    }

    /// True if a signal of the terminal reaches it by itself.
    pub(crate) fn is_told(&self) -> bool {
        is_in_foreground()
    }

    /// Sends it a signal.
    pub(crate) fn tell(&self, signal: Signal) {
        send(self.pid, signal);
    }
}
