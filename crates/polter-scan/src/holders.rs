//! Who has a registration's file open: every number in sight, by inode, then by file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::compare::{Comparer, Slot, Sorted, Target, Unanswered};
use crate::snapshot::{FileKey, Held, Kind, OpenFd, Process, Registration};

/// A number, what it names, and where.
type Entry<'a> = (FileKey, &'a OpenFd, Slot);

/// The open numbers of the inodes in question.
#[derive(Debug)]
pub(crate) struct Holders<'a> {
    by_ino: FxHashMap<u64, Vec<Entry<'a>>>,
    /// The numbers of an inode that is many files', sorted by file.
    sorted: Mutex<BTreeMap<FileKey, Sorted>>,
}

impl<'a> Holders<'a> {
    /// Goes once over all numbers.
    pub(crate) fn new(
        processes: &'a BTreeMap<u32, Process>,
        inodes: &FxHashSet<u64>,
    ) -> Holders<'a> {
        let mut by_ino: FxHashMap<u64, Vec<Entry<'a>>> = FxHashMap::default();
        for process in processes.values().filter(|_| !inodes.is_empty()) {
            for open in &process.open {
                if let Some(key) = open.key.filter(|key| inodes.contains(&key.ino)) {
                    let entry = (key, open, (process.pid, open.fd));
                    by_ino.entry(key.ino).or_default().push(entry);
                }
            }
        }
        Holders {
            by_ino,
            sorted: Mutex::default(),
        }
    }

    /// The numbers of a registration's file; nothing if it turns out to be gone.
    pub(crate) fn of(
        &self,
        comparer: &Comparer,
        registration: &Registration,
        target: &Target,
    ) -> Option<Vec<Held>> {
        let Some(key) = registration.key else {
            return Some(Vec::new());
        };
        let same_ino = self.by_ino.get(&key.ino).map_or(&[][..], Vec::as_slice);
        let can_be = same_ino.iter().filter(|(other, ..)| key.can_be(*other));
        let candidates: Vec<&Entry<'_>> = can_be.collect();
        let slots = || candidates.iter().map(|(_, _, slot)| *slot);
        match candidates[..] {
            // Whoever is not there any more has no holder.
            [] => match comparer.registration(target.instance, target) {
                Err(Unanswered::Gone) => None,
                _ => Some(Vec::new()),
            },
            [_, ..]
                if candidates
                    .iter()
                    .all(|(_, open, _)| open.kind == Kind::Socket) =>
            {
                Some(held(slots(), true))
            }
            [(_, _, slot)] => match comparer.registration(*slot, target) {
                Ok(order) => Some(held(slots().filter(|_| order.is_eq()), true)),
                Err(Unanswered::Gone) => None,
                Err(Unanswered::Unknown) => Some(likely(registration, &candidates, |_| true)),
            },
            _ => {
                let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
                let sorted = sorted
                    .entry(key)
                    .or_insert_with(|| Sorted::new(comparer, slots()));
                let found = match sorted.find(comparer, target) {
                    Err(Unanswered::Gone) => return None,
                    found => held(found.unwrap_or_default().iter().copied(), true),
                };
                let lost = &sorted.lost;
                if !found.is_empty() || lost.is_empty() {
                    return Some(found);
                }
                Some(likely(registration, &candidates, |it| lost.contains(it)))
            }
        }
    }
}

/// An inode of one's own says something even where the kernel may not be asked.
fn likely(
    registration: &Registration,
    candidates: &[&Entry<'_>],
    is_unknown_fn: impl Fn(&Slot) -> bool,
) -> Vec<Held> {
    let says_something = |(_, open, slot): &&&Entry<'_>| {
        !open.kind.shares_its_inode()
            && is_unknown_fn(slot)
            && open.can_wait_for(registration.events)
    };
    let likely = candidates.iter().filter(says_something);
    held(likely.map(|(_, _, slot)| *slot), false)
}

fn held(slots: impl Iterator<Item = Slot>, is_certain: bool) -> Vec<Held> {
    let mut held: Vec<Held> = slots
        .map(|(pid, fd)| Held {
            pid,
            fd,
            is_certain,
        })
        .collect();
    held.sort_unstable();
    held
}
