//! What the user says while polter watches: an answer, or that it is enough.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

enum Said {
    Enough,
    Answer(String),
}

/// Listens for signals from the beginning, and for a line when one was asked for.
pub(super) struct Ear {
    sender: Sender<Said>,
    receiver: Receiver<Said>,
}

impl Ear {
    pub(super) fn new() -> Result<Ear, Failure> {
        let (sender, receiver) = mpsc::channel();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::Signals)?;
        let of_signals = sender.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                // Nobody listens once the sum is being told.
                let _ = of_signals.send(Said::Enough);
            }
        });
        Ok(Ear { sender, receiver })
    }

    /// Waits; true if it is enough.
    pub(super) fn hears_enough_within(&self, pause: Duration) -> bool {
        self.receiver.recv_timeout(pause).is_ok()
    }

    /// The answer to a question; nothing if it is enough.
    pub(super) fn answer(&self) -> Option<String> {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let mut line = String::new();
            // A line that cannot be read is no yes.
            let _ = io::stdin().read_line(&mut line);
            let _ = sender.send(Said::Answer(line));
        });
        match self.receiver.recv() {
            Ok(Said::Answer(line)) => Some(line),
            Ok(Said::Enough) | Err(_) => None,
        }
    }
}
