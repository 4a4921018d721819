//! Asking the kernel whether two descriptors are one file.
//!
//! `kcmp` says more than yes or no: it orders files, by addresses it keeps to
//! itself. So many files are sorted once ([`Sorted`]), and one of them is found
//! in a few steps.

use std::cell::Cell;
use std::cmp::Ordering;
use std::io;

use crate::snapshot::Effort;
use crate::sys::{self, EpollSlot};

/// Registrations the kernel may walk over for one snapshot: `KCMP_EPOLL_TFD`
/// goes through the instance from its first, some 14 ns for each.
const MAX_STEPS: u64 = 50_000_000;

/// A number in a process.
pub(crate) type Slot = (u32, i32);

/// One registration, by a name of its instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) instance: Slot,
    pub(crate) fd: i32,
    pub(crate) nth: u32,
    /// How many the instance has.
    pub(crate) among: u64,
}

/// The comparer: counts what it does, and gives up where it would take too long.
#[derive(Debug)]
pub(crate) struct Comparer {
    is_live: bool,
    calls: Cell<u64>,
    refused: Cell<u64>,
    left_out: Cell<u64>,
    steps: Cell<u64>,
}

impl Comparer {
    /// Without a live machine everything is refused.
    pub(crate) fn new(is_live: bool) -> Comparer {
        Comparer {
            is_live,
            calls: Cell::new(0),
            refused: Cell::new(0),
            left_out: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// Orders two numbers by their files; nothing if one is closed or it may not be known.
    pub(crate) fn files(&self, a: Slot, b: Slot) -> Option<Ordering> {
        self.ask(|| sys::kcmp_file(a, b))
    }

    /// Orders a number's file and a registration's.
    pub(crate) fn registration(&self, slot: Slot, target: &Target) -> Option<Ordering> {
        if self.steps.get() > MAX_STEPS {
            self.left_out.set(self.left_out.get() + 1);
            return None;
        }
        self.steps.set(self.steps.get() + target.among);
        let (holder, efd) = target.instance;
        let epoll_slot = EpollSlot {
            efd: efd.cast_unsigned(),
            tfd: target.fd.cast_unsigned(),
            toff: target.nth,
        };
        self.ask(|| sys::kcmp_registration(slot, holder, epoll_slot))
    }

    /// True if two processes are known to share one descriptor table.
    pub(crate) fn is_one_table(&self, a: u32, b: u32) -> bool {
        self.ask(|| sys::kcmp_table(a, b)) == Some(Ordering::Equal)
    }

    /// True if two tasks are known to have different descriptor tables.
    pub(crate) fn is_other_table(&self, a: u32, b: u32) -> bool {
        let order = self.ask(|| sys::kcmp_table(a, b));
        order.is_some_and(Ordering::is_ne)
    }

    /// What it took so far.
    pub(crate) fn effort(&self) -> Effort {
        Effort {
            kcmp_calls: self.calls.get(),
            kcmp_refused: self.refused.get(),
            kcmp_left_out: self.left_out.get(),
            ..Effort::default()
        }
    }

    fn ask(&self, ask_fn: impl FnOnce() -> io::Result<Ordering>) -> Option<Ordering> {
        if !self.is_live {
            return None;
        }
        self.calls.set(self.calls.get() + 1);
        ask_fn()
            .inspect_err(|error| {
                let is_refusal = matches!(
                    error.raw_os_error(),
                    Some(libc::EPERM | libc::ENOSYS | libc::EACCES)
                );
                self.refused.set(self.refused.get() + u64::from(is_refusal));
            })
            .ok()
    }
}

/// Numbers sorted by their files, those of one file together.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    files: Vec<Vec<Slot>>,
    /// Numbers that could not be compared: closed meanwhile, or not for us to know.
    pub(crate) lost: Vec<Slot>,
}

impl Sorted {
    pub(crate) fn new(comparer: &Comparer, slots: impl IntoIterator<Item = Slot>) -> Sorted {
        let mut sorted = Sorted::default();
        for slot in slots {
            sorted.insert(comparer, slot);
        }
        sorted
    }

    /// The numbers of each file.
    pub(crate) fn into_files(self) -> Vec<Vec<Slot>> {
        self.files
    }

    /// The numbers of a registration's file.
    pub(crate) fn find(&mut self, comparer: &Comparer, target: &Target) -> &[Slot] {
        match self.search(comparer, |slot| comparer.registration(slot, target)) {
            Some(Ok(at)) => &self.files[at],
            _ => &[],
        }
    }

    fn insert(&mut self, comparer: &Comparer, slot: Slot) {
        match self.search(comparer, |other| comparer.files(other, slot)) {
            Some(Ok(at)) => self.files[at].push(slot),
            Some(Err(at)) if comparer.files(slot, slot).is_some() => {
                self.files.insert(at, vec![slot]);
            }
            _ => self.lost.push(slot),
        }
    }

    /// Halves what is left until the file is found; forgets files whose number
    /// has been closed on the way.
    fn search(
        &mut self,
        comparer: &Comparer,
        compare_fn: impl Fn(Slot) -> Option<Ordering>,
    ) -> Option<Result<usize, usize>> {
        let (mut from, mut to) = (0, self.files.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let first = self.files[middle][0];
            match compare_fn(first) {
                Some(Ordering::Equal) => return Some(Ok(middle)),
                Some(Ordering::Less) => from = middle + 1,
                Some(Ordering::Greater) => to = middle,
                None if comparer.files(first, first).is_some() => return None,
                None => {
                    self.lost.push(self.files[middle].remove(0));
                    if self.files[middle].is_empty() {
                        self.files.remove(middle);
                        to -= 1;
                    }
                }
            }
        }
        Some(Err(from))
    }
}
