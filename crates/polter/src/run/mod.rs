//! `polter run`: a command that is recorded, by eBPF or by strace, and judged at its end.
//!
//! ```text
//!    polter ──▶ strace ──▶ command ──▶ its descendants
//!      │           └─ log ◀──┴────────────┘
//!      └─ signals ─────────▶ command
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `by_bpf` | has the kernel record the command |
//! | [`strace`] | finds the options this strace takes, or says why it cannot trace |
//! | [`mod@follow`] | makes strace end with polter |
//! | [`signals`] | passes signals on to the command |
//! | [`recording`] | the log: kept in a file, or in one without a name |

#[cfg(feature = "bpf")]
mod by_bpf;
mod follow;
mod recording;
mod signals;
mod strace;

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use crate::cli::{RunArgs, Via};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::verdicts;
pub(crate) use follow::follow;
use recording::Recording;
use signals::Signals;
#[cfg(feature = "bpf")]
pub(crate) use signals::is_in_foreground;
use strace::Strace;

/// Runs the command to its end, reports, and passes a failure of the command on.
pub(crate) fn run(args: &RunArgs, console: &Console) -> Result<Exit, Failure> {
    // Opened before the command runs: if the report could not be written afterwards, the run would
    // be lost.
    let mut reports = verdicts::reports(&args.judging, Stream::Err, console)?;
    let recording = Recording::new(args.log.as_deref())?;
    let command = match by_bpf(args, &recording, console)? {
        Some(exit) => exit,
        None => by_strace(args, &recording, console)?,
    };
    let log = recording.open(&args.command, console)?;
    let judged = verdicts::judge(log, None, &args.judging, &mut reports, console)?;
    reports.finish()?;
    Ok(judged.max(command))
}

/// Has the kernel record the command; `None` if strace is to do it.
#[cfg(feature = "bpf")]
fn by_bpf(
    args: &RunArgs,
    recording: &Recording,
    console: &Console,
) -> Result<Option<Exit>, Failure> {
    let is_asked = args.via == Via::Bpf;
    if args.via == Via::Strace || (args.stacks && !is_asked) {
        return Ok(None);
    }
    match by_bpf::watch(recording, &args.command) {
        Ok(exit) => Ok(Some(exit)),
        Err(Failure::Recorder { refusal }) if !is_asked => {
            console.note(format!("recorded by strace: {refusal}"));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

#[cfg(not(feature = "bpf"))]
fn by_bpf(args: &RunArgs, _: &Recording, _: &Console) -> Result<Option<Exit>, Failure> {
    match args.via {
        Via::Bpf => Err(Failure::NoBpf),
        Via::Auto | Via::Strace => Ok(None),
    }
}

fn by_strace(args: &RunArgs, recording: &Recording, console: &Console) -> Result<Exit, Failure> {
    let strace = Strace::find(args.stacks)?;
    if args.stacks && !strace.has_stacks() {
        console.warn("this strace cannot record stacks: it was built without libunwind and libdw");
    }
    watch(&strace, recording, &args.command)
}

/// Runs the command under strace until it and its descendants have ended, or are let go.
fn watch(strace: &Strace, recording: &Recording, command: &[OsString]) -> Result<Exit, Failure> {
    // Caught before the command starts: a signal in between would end polter and not the command.
    let signals = Signals::catch().map_err(Failure::Signals)?;
    let mut child = strace.start(recording.path(), command)?;
    let forwarding = signals.forward_from(recording.path(), &child);
    let status = child.wait().map_err(|source| strace.cannot_start(source))?;
    let is_let_go = forwarding.end();
    Ok(if is_let_go {
        Exit::Clean
    } else {
        exit_of(status)
    })
}

pub(crate) fn exit_of(status: ExitStatus) -> Exit {
    // strace ends the same way as the command, by the same signal if a signal ended it.
    let signalled = status.signal().map(|signal| 128 + signal);
    match status.code().or(signalled) {
        Some(0) | None => Exit::Clean,
        Some(code) => Exit::Command(u8::try_from(code).unwrap_or(u8::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_command_is_passed_on() {
        check(0, Exit::Clean);
        check(3 << 8, Exit::Command(3));
        check(15, Exit::Command(143));
    }

    #[track_caller]
    fn check(status: i32, expected: Exit) {
        assert_eq!(exit_of(ExitStatus::from_raw(status)), expected);
    }
}
