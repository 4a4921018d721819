//! Passes signals that are sent to polter on to the command.
//!
//! strace blocks them as long as it traces, and should: its log must show how the command ends.
//! When the command has ended and descendants still run, a signal makes strace detach from them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, kill_process, test_kill_process};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator;
use signal_hook::low_level::emulate_default_handler;

use crate::ignored;

/// How often the log is read until it has a first line, and how far apart.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// Signals that are caught, and not passed on yet.
#[derive(Debug)]
pub(super) struct Signals {
    caught: iterator::Signals,
}

impl Signals {
    /// Catches the signals that would end polter, except those it was started to ignore (`nohup`).
    pub(super) fn catch() -> io::Result<Signals> {
        let wanted = ignored::others(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT]);
        let caught = iterator::Signals::new(wanted)?;
        Ok(Signals { caught })
    }

    /// Passes signals on to the command that the log's first line names.
    pub(super) fn forward_from(mut self, log: &Path, strace: &Child) -> Forwarding {
        let state = Arc::new(State {
            log: log.to_owned(),
            strace: Pid::from_child(strace),
            has_ended: AtomicBool::new(false),
            is_let_go: AtomicBool::new(false),
        });
        let forwarding = Forwarding {
            state: Arc::clone(&state),
        };
        thread::spawn(move || self.caught.forever().for_each(|signal| state.take(signal)));
        forwarding
    }
}

/// A running thread that passes signals on.
#[derive(Debug)]
pub(super) struct Forwarding {
    state: Arc<State>,
}

impl Forwarding {
    /// Ends the forwarding: from now on a signal ends polter. True if strace was detached.
    pub(super) fn end(self) -> bool {
        self.state.has_ended.store(true, Ordering::SeqCst);
        self.state.is_let_go.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct State {
    log: PathBuf,
    strace: Pid,
    has_ended: AtomicBool,
    is_let_go: AtomicBool,
}

impl State {
    fn take(&self, signal: i32) {
        if self.has_ended.load(Ordering::SeqCst) {
            // This cannot fail for the signals that are caught here.
            let _ = emulate_default_handler(signal);
            return;
        }
        let Some(command) = self.command() else {
            return;
        };
        if test_kill_process(command).is_err() {
            self.let_go();
        } else if signal == SIGTERM || !is_in_foreground() {
            // It fails if the command ends at this moment, and then there is nothing to do.
            let _ = Signal::from_named_raw(signal).map(|signal| kill_process(command, signal));
        }
    }

    /// Ends strace alone: the processes it traced run on.
    fn let_go(&self) {
        self.is_let_go.store(true, Ordering::SeqCst);
        let _ = kill_process(self.strace, Signal::KILL);
    }

    /// The command's pid, which is in the log's first line; waits until strace has written that.
    fn command(&self) -> Option<Pid> {
        for _ in 0..LOOKS {
            if let Some(pid) = first_pid(&self.log) {
                return Some(pid);
            }
            if self.has_ended.load(Ordering::SeqCst) {
                return None;
            }
            thread::sleep(PAUSE);
        }
        None
    }
}

fn first_pid(log: &Path) -> Option<Pid> {
    let mut line = Vec::new();
    BufReader::new(File::open(log).ok()?)
        .take(64)
        .read_until(b' ', &mut line)
        .ok()?;
    let digits = std::str::from_utf8(line.strip_suffix(b" ")?).ok()?;
    Pid::from_raw(digits.parse().ok()?)
}

/// True if the terminal sends its own signals (`^C`, `^\`, hanging up) to the command as well.
pub(crate) fn is_in_foreground() -> bool {
    let terminal = File::open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}
