//! The screen: what is shown, what keys do, how it is drawn.

mod draw;
mod keys;
mod list;
mod state;

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use polter_scan::{Choice, Options as Removal, Outcome, Plan, Proc, ScanError};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::sample::{Sample, Sampler, Source};
use state::{Do, State};

/// How the screen is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How often counts are read.
    pub interval: Duration,
    /// How processes are read.
    pub choice: Choice,
    /// Whether colours are used.
    pub is_coloured: bool,
}

/// How long a key may wait for a sample that comes at the same time, and a sample for the screen.
const TICK: Duration = Duration::from_millis(100);

/// Shows the screen until the user ends it. The terminal is as before then, whatever happens.
///
/// # Errors
///
/// Those of the terminal; or of a scan, as [`io::Error::other`].
pub fn run(options: &Options) -> io::Result<()> {
    let sampler = Sampler {
        choice: options.choice,
        interval: options.interval,
        source: Source::best(options.choice),
    };
    let (sends, samples) = channel();
    let (asks, asked) = channel();
    let looks = thread::spawn(move || sampler.run(&sends, &asked));
    // The first scan may say that nothing can be seen: that is no screen's business.
    let first = match samples.recv() {
        Ok(Ok(sample)) => sample,
        Ok(Err(error)) => return Err(io::Error::other(error)),
        Err(_) => return Err(io::Error::other("the sampler has ended")),
    };
    let mut state = State::new(options.is_coloured);
    state.take(first);
    let mut terminal = ratatui::try_init()?;
    let ended = go_on(&mut terminal, &mut state, &samples, &asks);
    ratatui::restore();
    drop((samples, asks));
    let _ = looks.join();
    ended
}

fn go_on(
    terminal: &mut DefaultTerminal,
    state: &mut State,
    samples: &Receiver<Result<Sample, ScanError>>,
    asks: &Sender<()>,
) -> io::Result<()> {
    let (tells, told) = channel::<String>();
    let mut is_fresh = true;
    loop {
        if is_fresh {
            terminal.draw(|frame| draw::draw(frame, state))?;
            is_fresh = false;
        }
        if event::poll(TICK)? {
            is_fresh = true;
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => match state.press(key) {
                    Do::Nothing => {}
                    Do::Quit => return Ok(()),
                    Do::Exorcise(pid) => {
                        let tells = tells.clone();
                        thread::spawn(move || {
                            // The screen may have been left.
                            let _ = tells.send(exorcise(pid));
                        });
                    }
                },
                _ => {}
            }
        }
        loop {
            match samples.try_recv() {
                Ok(Ok(sample)) => {
                    state.take(sample);
                    is_fresh = true;
                }
                Ok(Err(error)) => return Err(io::Error::other(error)),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    return Err(io::Error::other("the sampler has ended"));
                }
            }
        }
        for said in told.try_iter() {
            state.say(said);
            is_fresh = true;
            let _ = asks.send(());
        }
    }
}

/// Removes a process's ghosts, as `polter exorcise --yes` does; says what came of it.
fn exorcise(pid: u32) -> String {
    let done = Plan::make(&Proc::live(), pid, &Removal::default()).and_then(|mut plan| {
        plan.carry_out()?;
        Ok(plan)
    });
    match done {
        Ok(plan) => {
            let removed = plan.count(&Outcome::Removed);
            let kept = plan.steps.iter().find_map(|step| match &step.outcome {
                Outcome::Kept { reason, .. } => Some(reason.clone()),
                _ => None,
            });
            match kept {
                None => format!("{pid}: {removed} removed"),
                Some(reason) => format!("{pid}: {removed} removed, others kept: {reason}"),
            }
        }
        Err(error) => format!("{pid}: {error}"),
    }
}
