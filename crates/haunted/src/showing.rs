//! What a class shows, checks, and keeps up for others to look at.

use std::fmt;
use std::io::Write as _;
use std::os::fd::RawFd;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::sys::{self, Errno};

/// How long the state is kept, and how busily.
#[derive(Debug)]
pub(crate) struct Linger {
    /// For how long; without it, a class ends as soon as it has shown its fault.
    pub(crate) linger: Option<Duration>,
    /// Whether the loop goes on waiting meanwhile, as the real one would.
    pub(crate) is_spinning: bool,
}

impl Linger {
    /// Says `ready` and keeps the state as it is.
    pub(crate) fn linger(&self) {
        if let Some(linger) = self.linger {
            say_ready();
            std::thread::sleep(linger);
        }
    }

    /// Says `ready` and, with `--spin`, waits on `e` over and over until the time is up.
    ///
    /// The wait has a timeout: once somebody removes the ghost, the loop sleeps.
    pub(crate) fn linger_on(&self, e: RawFd) -> Result<(), Fault> {
        let Some(linger) = self.linger.filter(|_| self.is_spinning) else {
            self.linger();
            return Ok(());
        };
        say_ready();
        let end = Instant::now() + linger;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            sys::epoll_wait(e, left.as_millis().min(60_000) as i32 + 1)?;
        }
        Ok(())
    }
}

fn say_ready() {
    say("ready");
}

/// Says something to whoever has started this program.
pub(crate) fn say(word: &str) {
    // Whoever waits for the word may have gone; the state is kept all the same.
    let _ = writeln!(std::io::stdout(), "{word}");
}

/// True once standard input is at its end, which is the program's.
pub(crate) fn has_ended() -> Result<bool, Fault> {
    Ok(sys::poll(0)? != 0)
}

/// What went otherwise than the class tells it.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A call failed that the story takes for granted.
    Call(Errno, &'static Location<'static>),
    /// The kernel answered something else.
    NotShown(String, &'static Location<'static>),
}

impl From<Errno> for Fault {
    #[track_caller]
    fn from(errno: Errno) -> Fault {
        Fault::Call(errno, Location::caller())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Call(errno, place) => write!(f, "{place}: {errno:?}"),
            Fault::NotShown(what, place) => write!(f, "{place}: {what}"),
        }
    }
}

/// Checks one step of the story against what the kernel answered.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what is expected is written on the spot"
)]
pub(crate) fn show<T: fmt::Debug + PartialEq>(what: &str, got: T, want: T) -> Result<(), Fault> {
    if got == want {
        return Ok(());
    }
    let what = format!("{what}: expected {want:?}, the kernel says {got:?}");
    Err(Fault::NotShown(what, Location::caller()))
}
