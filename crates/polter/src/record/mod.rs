//! `polter record`: the calls of running programs, by eBPF, into a file that `polter judge` reads.
//!
//! | module | what it does |
//! |---|---|
//! | [`attach`] | what is there when a recording of running processes begins |
//! | [`held`] | starts a command that waits until it is recorded |
//! | [`output`] | the file, and the older ones if it is rotated |
//! | [`whom`] | from the options to the processes that are recorded |

mod attach;
mod held;
mod output;
mod whom;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use polter_record::{Recorder, Refusal, Told};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cli::RecordArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ignored;
use crate::report::words::number;
pub(crate) use attach::begin;
pub(crate) use held::{Held, hold};
use output::Output;
pub(crate) use whom::{header_of as header, header_of_targets, scope_of};

/// How long the ring is left alone when nothing is urgent: each look at it takes the CPU from those who are recorded.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Records until the processes have ended, the time is over, or somebody says so.
pub(crate) fn record(args: &RecordArgs, console: &Console) -> Result<Exit, Failure> {
    let mut output = Output::create(&args.output, args.rotate, args.zstd)?;
    let held = match args.command.is_empty() {
        true => None,
        false => Some(Held::start(&args.command)?),
    };
    let scope = whom::scope(args, held.as_ref())?;
    let header = whom::header(args);
    output.set_header(&header);
    let mut recorder = match Recorder::start(&scope, output, &header) {
        Ok(recorder) => recorder,
        Err(refusal) => {
            if let Some(held) = held {
                held.give_up();
            }
            return Err(Failure::recorder(refusal));
        }
    };
    if held.is_none() {
        begin(&mut recorder, &scope)?;
    }
    let command = follow(&mut recorder, held, args.duration)?;
    let (told, output) = recorder.finish().map_err(Failure::recorder)?;
    output.finish().map_err(Failure::write_file(&args.output))?;
    say(args, &told, console);
    Ok(match told.lost {
        0 => command,
        _ => command.max(Exit::Error),
    })
}

/// Reads the ring until nobody is recorded any more.
pub(crate) fn follow<W: Write>(
    recorder: &mut Recorder<W>,
    held: Option<Held>,
    duration: Option<Duration>,
) -> Result<Exit, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in ignored::others(&[SIGINT, SIGTERM, SIGHUP]) {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Failure::Signals)?;
    }
    let mut command = held.map(Held::go_on).transpose()?;
    let mut exit = Exit::Clean;
    let end = duration.map(|it| Instant::now() + it);
    loop {
        let is_more = recorder.drain().map_err(Failure::Write)?;
        if let Some(running) = &mut command
            && let Some(status) = running.ended()?
        {
            exit = status;
            command = None;
        }
        if stop.swap(false, Ordering::SeqCst) {
            match &command {
                // The terminal has told the command too; whoever sent the signal to polter alone has not.
                Some(running) if !running.is_told() => running.tell(Signal::TERM),
                _ => return Ok(exit),
            }
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(exit);
        }
        if command.is_none() && !recorder.is_anybody_alive() {
            return Ok(exit);
        }
        if !is_more {
            recorder.wait(PAUSE).map_err(Failure::Write)?;
        }
    }
}

fn say(args: &RecordArgs, told: &Told, console: &Console) {
    if told.lost > 0 {
        console.warn(format!(
            "{} records were lost: the machine was too busy to write them; the recording says where",
            number(told.lost)
        ));
    }
    if told.foreign > 0 {
        console.warn(format!(
            "{} calls of 32-bit programs are not recorded: strace can (polter run --via strace)",
            number(told.foreign)
        ));
    }
    let file = args.output.display();
    console.note(format!(
        "{} lines in {file}; now: polter judge {file}",
        number(told.lines)
    ));
}

impl Failure {
    /// Why nothing is recorded.
    pub(crate) fn recorder(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Unreadable(source) => Failure::Write(source),
            refusal => Failure::Recorder { refusal },
        }
    }
}

/// Sends a signal to a process that may be gone.
fn send(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}
