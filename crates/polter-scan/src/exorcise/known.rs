//! Removes ghosts whose making was seen: nothing is searched, and only the maker's table counts.
//!
//! One thread does it for all of them, with a descriptor table of its own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::plan::{Outcome, Step};
use super::remove::{FRESH, FRESH_WHEN_SLOW, remove};
use crate::error::ScanError;
use crate::snapshot::{Held, Name, Sureness};
use crate::sys;

/// When a ghost is asked about again that was still live: its close had only begun.
const AGAIN: [Duration; 4] = [
    Duration::from_micros(200),
    Duration::from_millis(2),
    Duration::from_millis(20),
    Duration::from_millis(200),
];

/// A ghost whose making was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGhost {
    /// The process that made the registration, and has closed its fd.
    pub maker: u32,
    /// The fd it was made under.
    pub fd: i32,
    /// The events it waits for.
    pub events: u32,
    /// The data that its events carry.
    pub data: u64,
    /// Where the instance may be: process and fd.
    pub instance: Vec<(u32, i32)>,
    /// Where the file may be: process and fd. The kernel says which of them is.
    pub held_by: Vec<(u32, i32)>,
    /// When it was made, in nanoseconds of the monotonic clock.
    pub made: u64,
}

/// A ghost, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The ghost.
    pub ghost: KnownGhost,
    /// What came of it.
    pub outcome: Outcome,
    /// From its making to what came of it.
    pub took: Duration,
}

/// Removes known ghosts, one after another, in a thread of its own.
#[derive(Debug)]
pub struct Remover {
    ghosts: Sender<KnownGhost>,
    done: Receiver<Removal>,
}

impl Remover {
    /// Starts the thread. With `is_slow`, the last question before a removal may take a millisecond.
    ///
    /// # Errors
    ///
    /// If the thread cannot have a descriptor table of its own (close_range(2), Linux 5.9).
    pub fn start(is_slow: bool) -> Result<Remover, ScanError> {
        raise_limit();
        let fresh = if is_slow { FRESH_WHEN_SLOW } else { FRESH };
        let (ghosts, wanted) = channel();
        let (tell, done) = channel();
        let (begun, has_begun) = channel();
        thread::spawn(move || {
            let table = sys::take_empty_table();
            let is_apart = table.is_ok();
            // Whoever started it waits for this.
            let _ = begun.send(table);
            if is_apart {
                work(&wanted, &tell, fresh);
            }
        });
        let table = has_begun.recv().unwrap_or(Ok(()));
        table.map_err(|source| ScanError::System {
            doing: "have a descriptor table apart (close_range)",
            source,
        })?;
        Ok(Remover { ghosts, done })
    }

    /// Has a ghost removed.
    pub fn remove(&self, ghost: KnownGhost) {
        // The thread lives as long as this value.
        let _ = self.ghosts.send(ghost);
    }

    /// What came of ghosts since the last call.
    pub fn done(&self) -> impl Iterator<Item = Removal> {
        self.done.try_iter()
    }
}

/// A ghost that was live, how often it was, and when it is asked about again.
struct Later {
    ghost: KnownGhost,
    tries: usize,
    due: Instant,
}

fn work(wanted: &Receiver<KnownGhost>, tell: &Sender<Removal>, fresh: Duration) {
    let mut later: Vec<Later> = Vec::new();
    let mut is_over = false;
    while !is_over || !later.is_empty() {
        let next = later.iter().map(|it| it.due).min();
        let wait = next.map_or(Duration::from_secs(3600), |due| {
            due.saturating_duration_since(Instant::now())
        });
        let got = match is_over {
            true => {
                thread::sleep(wait);
                None
            }
            false => match wanted.recv_timeout(wait) {
                Ok(ghost) => Some(ghost),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    is_over = true;
                    None
                }
            },
        };
        let now = Instant::now();
        let (due, rest): (Vec<Later>, Vec<Later>) = later.into_iter().partition(|it| it.due <= now);
        later = rest;
        let first = got.map(|ghost| Later {
            ghost,
            tries: 0,
            due: now,
        });
        for it in first.into_iter().chain(due) {
            let outcome = attempt(&it.ghost, fresh);
            let pause = AGAIN.get(it.tries).filter(|_| outcome == Outcome::Live);
            match pause {
                Some(pause) => later.push(Later {
                    tries: it.tries + 1,
                    due: Instant::now() + *pause,
                    ghost: it.ghost,
                }),
                None => {
                    let took = monotonic().saturating_sub(it.ghost.made);
                    let removal = Removal {
                        ghost: it.ghost,
                        outcome,
                        took: Duration::from_nanos(took),
                    };
                    // Nobody may listen any more.
                    let _ = tell.send(removal);
                }
            }
        }
    }
}

fn attempt(ghost: &KnownGhost, fresh: Duration) -> Outcome {
    let step = step_of(ghost);
    remove(&step, fresh, || ()).unwrap_or_else(|outcome| outcome)
}

/// The ghost as a step of a plan in which only its maker's table counts.
fn step_of(ghost: &KnownGhost) -> Step {
    let name = |(pid, fd): &(u32, i32)| Name {
        pid: *pid,
        fd: *fd,
        is_cloexec: false,
    };
    let instance: Vec<Name> = ghost.instance.iter().map(name).collect();
    let held = |(pid, fd): &(u32, i32)| Held {
        pid: *pid,
        fd: *fd,
        is_certain: true,
    };
    Step {
        start_times: vec![None; instance.len()],
        instance,
        among: u64::MAX,
        fd: ghost.fd,
        occurrence: 0,
        events: ghost.events,
        data: ghost.data,
        held_by: ghost.held_by.iter().map(held).collect(),
        in_table: Some(ghost.maker),
        loses: Vec::new(),
        sureness: Sureness::Certain,
        reasons: Vec::new(),
        excused: Vec::new(),
        outcome: Outcome::Planned,
    }
}

/// Nanoseconds of the monotonic clock.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// Lets the thread use each fd that any process can have, as far as that is allowed.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Raising it to the maximum is always permitted.
    let _ = setrlimit(Resource::Nofile, raised);
}
