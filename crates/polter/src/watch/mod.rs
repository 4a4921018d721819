//! `polter watch`: findings while the programs run.
//!
//! ```text
//!   Source ─▶ LiveJudge ─▶ fresh findings ─▶ Teller: a line each, at once
//! ```
//! | module | what it does |
//! |---|---|
//! | [`source`] | what a source of lines is |
//! | [`choice`] | which one the arguments mean: a recorder of its own has its place there |
//! | `recorder_source` | running processes, which the kernel records |
//! | `exorcist` | removes each ghost when it is made |
//! | [`log_source`] | a pipe, a file that grows, a file that is whole |
//! | [`whose`] | the name, container and unit of a process |
//! | [`tally`] | what was told, and the exit code that comes of it |
//! | [`flood`] | a bound on the lines for people |
//! | [`teller`] | writes each finding when it comes |

mod choice;
#[cfg(feature = "bpf")]
mod exorcist;
mod flood;
mod log_source;
#[cfg(feature = "bpf")]
mod recorder_source;
mod source;
mod tally;
mod teller;
mod whose;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use polter_judge::{Judge, LiveJudge};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cli::WatchArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{ignored, past};
use source::{Next, Source};
use teller::Teller;

/// A ghost, and what came of it.
#[cfg(feature = "bpf")]
pub(crate) use exorcist::Exorcism;
/// Counts of a watch.
pub(crate) use tally::Tally;
/// The machine that looks, and where its processes are.
pub(crate) use whose::{Machine, Whose};

/// How long a source is waited for: then the last line's stack is taken for whole.
const PAUSE: Duration = Duration::from_millis(250);

/// What has lasted so long is suspected, and told; at most twice so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches until the source ends, or the user ends it.
pub(crate) fn watch(args: &WatchArgs, console: &Console) -> Result<Exit, Failure> {
    let stop = stop_flag().map_err(Failure::Signals)?;
    let mut source = choice::open(args, console)?;
    let mut teller = Teller::new(args, source.is_here(), console)?;
    let mut judge = judge(args)?;
    let mut is_over = false;
    let mut passed = Instant::now();
    while !is_over && !stop.load(Ordering::SeqCst) {
        is_over = take(&mut *source, &mut judge)?;
        if passed.elapsed() >= PATIENCE {
            passed = Instant::now();
            judge.pass_time();
        }
        #[cfg(feature = "bpf")]
        teller.tell_exorcisms(&source.exorcisms(false))?;
        teller.tell(&judge.fresh())?;
        teller.tell_losses(&judge);
    }
    if !is_over {
        // Its last line may be half a line.
        judge.drop_partial();
    }
    judge.push(&source.rest()?);
    source.end(&judge)?;
    #[cfg(feature = "bpf")]
    teller.tell_exorcisms(&source.exorcisms(true))?;
    let lost = judge.lost();
    let left_out = judge.left_out();
    let (last, verdict) = judge.finish();
    teller.tell(&last)?;
    teller.end(&verdict, lost, left_out, source.damage())
}

/// A judge that knows what was captured before, if anything was.
fn judge(args: &WatchArgs) -> Result<LiveJudge, Failure> {
    let mut judge = Judge::new(&[]);
    if let Some(dir) = &args.from {
        judge.begin_with(&past::read(dir)?);
    }
    Ok(LiveJudge::from(judge))
}

/// Takes what comes within a moment; true if nothing more will.
fn take(source: &mut dyn Source, judge: &mut LiveJudge) -> Result<bool, Failure> {
    match source.next(PAUSE)? {
        Next::Bytes(bytes) => judge.push(bytes),
        Next::Nothing => judge.pause(),
        Next::End => return Ok(true),
    }
    Ok(false)
}

/// Set by Ctrl-C and the like, unless polter was started to ignore them; the second time, they end it at once.
fn stop_flag() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in ignored::others(&[SIGINT, SIGTERM, SIGHUP]) {
        flag::register_conditional_default(signal, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
