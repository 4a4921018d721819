//! Asking the kernel whether two descriptors are one file.
//!
//! `kcmp` says more than yes or no: it orders files, by addresses it keeps to
//! itself. So many files are sorted once ([`Sorted`]), and one of them is found
//! in a few steps.

use std::cmp::Ordering;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::snapshot::Effort;
use crate::sys::{self, EpollSlot};

/// Registrations the kernel may walk over for one snapshot: `KCMP_EPOLL_TFD`
/// goes through the instance from its first, some 10 ns for each.
const MAX_STEPS: u64 = 50_000_000;

/// A number in a process.
pub(crate) type Slot = (u32, i32);

/// One registration, by a name of its instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) instance: Slot,
    pub(crate) fd: i32,
    pub(crate) nth: u32,
    /// How many stand before it in the instance.
    pub(crate) place: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// There is no such registration any more.
    Gone,
    /// A number is closed, or it may not be known, or would take too long.
    Unknown,
}

/// The comparer: counts what it does, and gives up where it would take too long.
#[derive(Debug)]
pub(crate) struct Comparer {
    is_live: bool,
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    refused: AtomicU64,
    left_out: AtomicU64,
    steps: AtomicU64,
}

impl Comparer {
    /// Without a live machine everything is refused.
    pub(crate) fn new(is_live: bool) -> Comparer {
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
    pub(crate) fn may_ask(&self) -> bool {
        self.is_live && self.refused.load(Relaxed) == 0
    }

    /// Orders two numbers by their files; nothing if one is closed or it may not be known.
    pub(crate) fn files(&self, a: Slot, b: Slot) -> Option<Ordering> {
        self.ask(|| sys::kcmp_file(a, b))
    }

    /// Orders a number's file and a registration's.
    pub(crate) fn registration(&self, slot: Slot, target: &Target) -> Result<Ordering, Unanswered> {
        if !self.has_time_for(target) {
            self.left_out.fetch_add(1, Relaxed);
            return Err(Unanswered::Unknown);
        }
        self.steps.fetch_add(target.place, Relaxed);
        let (holder, efd) = target.instance;
        let epoll_slot = EpollSlot {
            efd: efd.cast_unsigned(),
            tfd: target.fd.cast_unsigned(),
            toff: target.nth,
        };
        let answer = self.answer(|| sys::kcmp_registration(slot, holder, epoll_slot));
        answer.map_err(|error| match error.raw_os_error() {
            // Linux: get_epoll_tfile_raw_ptr. A closed number is EBADF.
            Some(libc::ENOENT) => Unanswered::Gone,
            _ => Unanswered::Unknown,
        })
    }

    /// True if a registration can still be asked about: what has been asked before took time.
    pub(crate) fn has_time_for(&self, target: &Target) -> bool {
        self.steps.load(Relaxed).saturating_add(target.place) <= MAX_STEPS
    }

    /// True if a number is known to name nothing.
    pub(crate) fn is_closed(&self, slot: Slot) -> bool {
        let answer = self.answer(|| sys::kcmp_file(slot, slot));
        answer.is_err_and(|error| error.raw_os_error() == Some(libc::EBADF))
    }

    /// True if all that has been asked was answered: none was refused, none took too long.
    pub(crate) fn answers_all(&self) -> bool {
        self.may_ask() && self.left_out.load(Relaxed) == 0
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

/// Numbers sorted by their files, those of one file together.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    files: Vec<Vec<Slot>>,
    /// Numbers that could not be compared: closed meanwhile, or not for us to know.
    pub(crate) lost: Vec<Slot>,
}

impl Sorted {
    pub(crate) fn new(comparer: &Comparer, slots: impl IntoIterator<Item = Slot>) -> Sorted {
        let slots: Vec<Slot> = slots.into_iter().collect();
        let mut sorted = Sorted::default();
        sorted.files = match slots[..] {
            // Nobody compares it with another.
            [slot] if comparer.files(slot, slot).is_none() => {
                sorted.lost.push(slot);
                Vec::new()
            }
            _ => sorted.sort(comparer, &slots),
        };
        sorted
    }

    /// Sorts either half, and merges them.
    fn sort(&mut self, comparer: &Comparer, slots: &[Slot]) -> Vec<Vec<Slot>> {
        if slots.len() < 2 {
            return slots.iter().map(|slot| vec![*slot]).collect();
        }
        let (left, right) = slots.split_at(slots.len() / 2);
        let left = self.sort(comparer, left).into_iter();
        let right = self.sort(comparer, right).into_iter();
        self.merge(comparer, left, right)
    }

    fn merge(
        &mut self,
        comparer: &Comparer,
        mut left: impl Iterator<Item = Vec<Slot>>,
        mut right: impl Iterator<Item = Vec<Slot>>,
    ) -> Vec<Vec<Slot>> {
        let mut files = Vec::new();
        let (mut a, mut b) = (left.next(), right.next());
        while let (Some(of_a), Some(of_b)) = (&mut a, &mut b) {
            match comparer.files(of_a[0], of_b[0]) {
                Some(Ordering::Less) => files.extend(std::mem::replace(&mut a, left.next())),
                Some(Ordering::Greater) => files.extend(std::mem::replace(&mut b, right.next())),
                Some(Ordering::Equal) => {
                    of_a.append(of_b);
                    b = right.next();
                }
                None if comparer.files(of_a[0], of_a[0]).is_none() => {
                    self.lost.push(of_a.remove(0));
                    if of_a.is_empty() {
                        a = left.next();
                    }
                }
                None => {
                    self.lost.push(of_b.remove(0));
                    if of_b.is_empty() {
                        b = right.next();
                    }
                }
            }
        }
        files.extend(a.into_iter().chain(left));
        files.extend(b.into_iter().chain(right));
        files
    }

    /// The numbers of each file.
    pub(crate) fn into_files(self) -> Vec<Vec<Slot>> {
        self.files
    }

    /// The numbers of a registration's file.
    pub(crate) fn find(
        &mut self,
        comparer: &Comparer,
        target: &Target,
    ) -> Result<&[Slot], Unanswered> {
        let found = self.search(comparer, |slot| comparer.registration(slot, target))?;
        Ok(found.map_or(&[], |at| &self.files[at]))
    }

    /// Halves what is left until the file is found; forgets files whose number has been closed
    /// on the way.
    fn search(
        &mut self,
        comparer: &Comparer,
        compare_fn: impl Fn(Slot) -> Result<Ordering, Unanswered>,
    ) -> Result<Option<usize>, Unanswered> {
        let (mut from, mut to) = (0, self.files.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let first = self.files[middle][0];
            match compare_fn(first) {
                Ok(Ordering::Equal) => return Ok(Some(middle)),
                Ok(Ordering::Less) => from = middle + 1,
                Ok(Ordering::Greater) => to = middle,
                Err(why) if why == Unanswered::Gone || comparer.files(first, first).is_some() => {
                    return Err(why);
                }
                Err(_) => {
                    self.lost.push(self.files[middle].remove(0));
                    if self.files[middle].is_empty() {
                        self.files.remove(middle);
                        to -= 1;
                    }
                }
            }
        }
        Ok(None)
    }
}
