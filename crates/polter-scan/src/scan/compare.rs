//! Asks the kernel whether two fds name one file, and counts what that takes.

use std::cmp::Ordering;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::snapshot::{Effort, Registration};
use crate::sys::{self, EpollSlot};

/// Registrations the kernel may walk over for one snapshot. `KCMP_EPOLL_TFD` walks the instance
/// from its first registration, at some 10 ns each, so asking about all of `n` takes n²/2 steps.
const MAX_STEPS: u64 = 50_000_000;

/// An fd in a process's table: pid and fd.
pub(super) type Slot = (u32, i32);

/// One registration, by a name of its instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) instance: Slot,
    pub(super) fd: i32,
    pub(super) occurrence: u32,
    /// How many stand before it in the instance: what asking about it costs.
    pub(super) place: u64,
}

impl Target {
    /// A registration that stands at `place` in its instance.
    pub(super) fn of(instance: Slot, registration: &Registration, place: usize) -> Target {
        Target {
            instance,
            fd: registration.fd,
            occurrence: registration.occurrence,
            place: place as u64,
        }
    }
}

/// Why the kernel has not compared two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The registration has been removed.
    Gone,
    /// An fd is closed, or the kernel refuses, or asking would take too long.
    Unknown,
}

/// Asks `kcmp(2)`, counts the calls, and gives up where they would take too long.
#[derive(Debug)]
pub(super) struct Comparer {
    is_live: bool,
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    refused: AtomicU64,
    left_out: AtomicU64,
    steps: AtomicU64,
}

impl Comparer {
    /// For a captured tree every question is refused.
    pub(super) fn new(is_live: bool) -> Comparer {
        Comparer {
            is_live,
            calls: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            steps: AtomicU64::new(0),
        }
    }

    /// True if the kernel answers, as far as it has been asked.
    pub(super) fn may_ask(&self) -> bool {
        self.is_live && self.refused.load(Relaxed) == 0
    }

    /// Orders two fds by their files; `None` if one is closed, or the kernel refuses.
    pub(super) fn files(&self, a: Slot, b: Slot) -> Option<Ordering> {
        self.ask(|| sys::kcmp_file(a, b))
    }

    /// Orders an fd's file and a registration's.
    pub(super) fn registration(&self, slot: Slot, target: &Target) -> Result<Ordering, Unanswered> {
        if !self.has_time_for(target) {
            self.left_out.fetch_add(1, Relaxed);
            return Err(Unanswered::Unknown);
        }
        self.steps.fetch_add(target.place, Relaxed);
        let (holder, efd) = target.instance;
        let epoll_slot = EpollSlot {
            efd: efd.cast_unsigned(),
            tfd: target.fd.cast_unsigned(),
            toff: target.occurrence,
        };
        let answer = self.answer(|| sys::kcmp_registration(slot, holder, epoll_slot));
        answer.map_err(|error| match error.raw_os_error() {
            // Linux: get_epoll_tfile_raw_ptr. A closed fd is EBADF.
            Some(libc::ENOENT) => Unanswered::Gone,
            _ => Unanswered::Unknown,
        })
    }

    /// True if the questions so far have left time to ask about this registration.
    pub(super) fn has_time_for(&self, target: &Target) -> bool {
        self.steps.load(Relaxed).saturating_add(target.place) <= MAX_STEPS
    }

    /// True if an fd is known to name nothing.
    pub(super) fn is_closed(&self, slot: Slot) -> bool {
        let answer = self.answer(|| sys::kcmp_file(slot, slot));
        answer.is_err_and(|error| error.raw_os_error() == Some(libc::EBADF))
    }

    /// True if every question so far was answered: none was refused, none took too long.
    pub(super) fn answers_all(&self) -> bool {
        self.may_ask() && self.left_out.load(Relaxed) == 0
    }

    /// True if two processes are known to share one descriptor table.
    pub(super) fn is_one_table(&self, a: u32, b: u32) -> bool {
        self.ask(|| sys::kcmp_table(a, b)) == Some(Ordering::Equal)
    }

    /// True if two tasks are known to have different descriptor tables.
    pub(super) fn is_other_table(&self, a: u32, b: u32) -> bool {
        let order = self.ask(|| sys::kcmp_table(a, b));
        order.is_some_and(Ordering::is_ne)
    }

    /// The effort so far.
    pub(super) fn effort(&self) -> Effort {
        Effort {
            kcmp_calls: self.calls.load(Relaxed),
            kcmp_us: self.nanoseconds.load(Relaxed) / 1000,
            kcmp_refused: self.refused.load(Relaxed),
            kcmp_left_out: self.left_out.load(Relaxed),
            ..Effort::default()
        }
    }

    fn ask(&self, ask_fn: impl FnOnce() -> io::Result<Ordering>) -> Option<Ordering> {
        self.answer(ask_fn).ok()
    }

    fn answer(&self, ask_fn: impl FnOnce() -> io::Result<Ordering>) -> io::Result<Ordering> {
        if !self.is_live {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let start = Instant::now();
        let answer = ask_fn();
        let took = start.elapsed().as_nanos() as u64;
        self.nanoseconds.fetch_add(took, Relaxed);
        self.calls.fetch_add(1, Relaxed);
        answer.inspect_err(|error| {
            let is_refusal = matches!(
                error.raw_os_error(),
                Some(libc::EPERM | libc::ENOSYS | libc::EACCES)
            );
            self.refused.fetch_add(u64::from(is_refusal), Relaxed);
        })
    }
}
