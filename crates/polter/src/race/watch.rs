//! Shows the progress of a search. If it is interrupted, the search ends, and reports how much it
//! has covered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use polter_race::Progress;
use signal_hook::consts::SIGINT;

use crate::console::Console;
use crate::failure::Failure;
use crate::report::words::counted;

/// The time between two updates.
const TICK: Duration = Duration::from_millis(100);

/// Does the work in a thread, and shows its progress on a terminal.
pub(super) fn watched<T: Send>(
    console: &Console,
    work_fn: impl FnOnce(&Progress) -> T + Send,
) -> Result<T, Failure> {
    let progress = Progress::default();
    let is_interrupted = Arc::new(AtomicBool::new(false));
    let signal = signal_hook::flag::register(SIGINT, Arc::clone(&is_interrupted))
        .map_err(Failure::Signals)?;
    let spinner = spinner(console);
    let done = thread::scope(|scope| {
        let work = scope.spawn(|| work_fn(&progress));
        while !work.is_finished() {
            thread::park_timeout(TICK.min(Duration::from_millis(5)));
            let covered = progress.covered();
            spinner.set_message(format!(
                "{}, {} deep",
                counted(covered.states, "state"),
                counted(covered.depth.into(), "step")
            ));
            if is_interrupted.load(Ordering::Relaxed) {
                progress.stop();
            }
        }
        work.join()
    });
    spinner.finish_and_clear();
    signal_hook::low_level::unregister(signal);
    Ok(done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

fn spinner(console: &Console) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
