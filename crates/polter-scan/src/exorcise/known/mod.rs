//! Removes ghosts whose making was seen: nothing is searched, and only the maker's table counts.
//!
//! ```text
//!   Queue ─▶ those that wait ─▶ a batch ─▶ removed by a process apart ─▶ done
//!               ▲                                     │
//!               └─── live: its close had only begun ◀─┘
//! ```
//! One thread does it for all of them, with a descriptor table of its own, and a process that shares it: what that one has
//! begun it completes, even if this process is killed. Nothing of a program is kept from one batch to the next.

mod batch;
mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::plan::Outcome;
use super::remove::{FRESH, FRESH_WHEN_SLOW};
use crate::error::ScanError;
use crate::sys::{self, Lasting};

/// A ghost whose making was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGhost {
    /// The process that made the registration, and has closed its fd.
    pub maker: u32,
    /// Other processes that have made a registration in this instance under this fd: what the fd names in their
    /// tables is no ghost.
    pub others: Vec<u32>,
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

/// Removes known ghosts, in a thread of its own.
#[derive(Debug)]
pub struct Remover {
    queue: Queue,
    done: Receiver<Removal>,
}

/// Where ghosts wait for their removal. Any thread may have one.
#[derive(Debug, Clone)]
pub struct Queue {
    ghosts: Sender<KnownGhost>,
    /// Ghosts whose removal was not told yet.
    under_way: Arc<AtomicUsize>,
}

impl Remover {
    /// Starts the thread. With `is_slow`, the last question before a removal may take a millisecond.
    ///
    /// # Errors
    ///
    /// If the thread cannot have a descriptor table of its own (close_range(2), Linux 5.9), or a process beside it.
    pub fn start(is_slow: bool) -> Result<Remover, ScanError> {
        raise_limit();
        let fresh = if is_slow { FRESH_WHEN_SLOW } else { FRESH };
        let (ghosts, wanted) = channel();
        let (tell, done) = channel();
        let (begun, has_begun) = channel();
        thread::spawn(move || {
            sys::hurry();
            // Whoever started it waits for this.
            match sys::take_empty_table().and_then(|()| Lasting::start()) {
                Ok(apart) => {
                    let _ = begun.send(Ok(()));
                    line::work(&wanted, &tell, apart, fresh);
                }
                Err(error) => drop(begun.send(Err(error))),
            }
        });
        let table = has_begun.recv().unwrap_or(Ok(()));
        table.map_err(|source| ScanError::System {
            doing: "have a descriptor table and a process apart (close_range, clone)",
            source,
        })?;
        let queue = Queue {
            ghosts,
            under_way: Arc::default(),
        };
        Ok(Remover { queue, done })
    }

    /// Where ghosts wait for their removal.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// What came of ghosts since the last call.
    pub fn done(&self) -> impl Iterator<Item = Removal> {
        let told = |_: &Removal| {
            self.queue.under_way.fetch_sub(1, Ordering::SeqCst);
        };
        self.done.try_iter().inspect(told)
    }

    /// How many are waiting, or are being removed.
    pub fn under_way(&self) -> usize {
        self.queue.under_way.load(Ordering::SeqCst)
    }
}

impl Queue {
    /// Has a ghost removed.
    pub fn remove(&self, ghost: KnownGhost) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        if self.ghosts.send(ghost).is_err() {
            // The remover is gone, and nobody will tell of it.
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        }
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

#[cfg(test)]
mod tests;
