//! `polter lab`: a command on real kernels, each with its policy.
//!
//! | module | what it does |
//! |---|---|
//! | [`table`] | how a command ended under several policies, next to each other |

mod table;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use eventpoll::Policy;
use polter_lab::{Ending, Guest, LabKernel, Stream};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cli::{LabArgs, LabOptions};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// The exit code of `timeout(1)` when it has ended a command.
const TIMED_OUT: u8 = 124;

/// A shell's exit code for a command that ^C ended.
const INTERRUPTED: u8 = 130;

/// How the command ended under one policy.
#[derive(Debug)]
struct GuestRun {
    policy: Policy,
    ending: Ending,
    took: Duration,
    /// Its output, both streams in the order they came.
    output: Vec<u8>,
}

/// Runs the command. With one policy, the guest's output and exit code are passed on; with several,
/// the endings are compared.
pub(crate) fn lab(args: &LabArgs, console: &Console) -> Result<Exit, Failure> {
    let kernel = LabKernel::find(args.options.kernel.as_deref())?;
    let stop = stop_flag()?;
    if let [policy] = args.policies()[..] {
        let ending = guest_of(policy, args).run(&kernel, &stop, pass_on)?;
        return Ok(exit_of(ending));
    }
    let mut runs = Vec::new();
    for policy in args.policies() {
        let run = GuestRun::run(policy, args, &kernel, &stop)?;
        if run.ending == Ending::Stopped {
            return Ok(exit_of(run.ending));
        }
        runs.push(run);
    }
    let mut out = console.out();
    table::write(&mut *out, &runs)?;
    out.flush()?;
    let usual = &runs[0].ending;
    let is_same = runs.iter().all(|run| run.ending == *usual);
    Ok(if is_same { Exit::Clean } else { Exit::Findings })
}

/// Runs a command in a guest for another verb; its output goes to `out`.
pub(crate) fn in_guest(
    kernel: &LabKernel,
    policy: Policy,
    command: Vec<OsString>,
    options: &LabOptions,
    out: &mut dyn io::Write,
) -> Result<Exit, Failure> {
    let guest = Guest {
        policy,
        command,
        time_limit: options.time_limit(),
        memory_mb: options.memory,
    };
    let ending = guest.run(kernel, &*stop_flag()?, |stream, bytes| match stream {
        Stream::Out => out.write_all(bytes).and_then(|()| out.flush()),
        Stream::Err => io::stderr().write_all(bytes),
    })?;
    Ok(exit_of(ending))
}

/// The guest's side: its first process.
pub(crate) fn guest(place: &Path) -> Result<Exit, Failure> {
    polter_lab::init(place).map_err(Failure::Guest)?;
    Ok(Exit::Clean)
}

fn guest_of(policy: Policy, args: &LabArgs) -> Guest {
    Guest {
        policy,
        command: args.command.clone(),
        time_limit: args.options.time_limit(),
        memory_mb: args.options.memory,
    }
}

impl GuestRun {
    fn run(
        policy: Policy,
        args: &LabArgs,
        kernel: &LabKernel,
        stop: &AtomicBool,
    ) -> Result<GuestRun, Failure> {
        let started = Instant::now();
        let mut output = Vec::new();
        let ending = guest_of(policy, args).run(kernel, stop, |_, bytes| {
            output.extend(bytes);
            Ok(())
        })?;
        Ok(GuestRun {
            policy,
            ending,
            took: started.elapsed(),
            output,
        })
    }
}

/// Passes the command's bytes on unchanged, with colours.
fn pass_on(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Out => {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        Stream::Err => io::stderr().write_all(bytes),
    }
}

/// A flag that a signal sets, so that polter can end the guest before it ends itself.
fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Failure::Signals)?;
    }
    Ok(stop)
}

fn exit_of(ending: Ending) -> Exit {
    match ending {
        Ending::Exited(0) => Exit::Clean,
        Ending::Exited(code) => Exit::Command(code),
        Ending::Signalled(signal) => Exit::Command((128 + signal) as u8),
        Ending::TimedOut => Exit::Command(TIMED_OUT),
        Ending::Stopped => Exit::Command(INTERRUPTED),
    }
}
