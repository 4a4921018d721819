//! What the user says: an answer to a question, or Ctrl-C.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

enum Heard {
    Stop,
    Answer(String),
}

/// The user of a watch: listens for signals from the beginning, and for a line after a question.
pub(super) struct User {
    sender: Sender<Heard>,
    receiver: Receiver<Heard>,
}

impl User {
    pub(super) fn new() -> Result<User, Failure> {
        let (sender, receiver) = mpsc::channel();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::Signals)?;
        let of_signals = sender.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                // The receiver is gone once the watch has ended.
                let _ = of_signals.send(Heard::Stop);
            }
        });
        Ok(User { sender, receiver })
    }

    /// Waits for a pause; true if the user stops the watch in it.
    pub(super) fn stops_within(&self, pause: Duration) -> bool {
        self.receiver.recv_timeout(pause).is_ok()
    }

    /// The answer to a question; `None` if the user stops the watch instead.
    pub(super) fn answer(&self) -> Option<String> {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let mut line = String::new();
            // If the line cannot be read, it stays empty, which is no yes.
            let _ = io::stdin().read_line(&mut line);
            let _ = sender.send(Heard::Answer(line));
        });
        match self.receiver.recv() {
            Ok(Heard::Answer(line)) => Some(line),
            Ok(Heard::Stop) | Err(_) => None,
        }
    }
}

/// Asks on the terminal whether to remove the planned ghosts; an error if there is no terminal.
pub(super) fn is_wanted(planned: usize) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    ask(planned);
    let mut answer = String::new();
    // If the line cannot be read, it stays empty, which is no yes.
    let _ = io::stdin().read_line(&mut answer);
    Ok(is_yes(&answer))
}

/// Asks on standard error, so that a report on standard output stays clean.
pub(super) fn ask(planned: usize) {
    let it = if planned == 1 { "it" } else { "them" };
    // A question that cannot be written is not answered either, and that is no yes.
    let _ = write!(io::stderr(), "Remove {it}? [y/N] ");
}

/// True for an answer that agrees. Everything else is no.
pub(super) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim(), "y" | "Y" | "yes")
}
