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
    ) -> Option<Kept> {
        let Some(key) = registration.key else {
            return Some(Kept::unasked(Vec::new()));
        };
        let same_ino = self.by_ino.get(&key.ino).map_or(&[][..], Vec::as_slice);
        // An inode may be a hundred thousand files': they are not gone over for each.
        let candidates = same_ino.iter().filter(|(other, ..)| key.can_be(*other));
        let slots = || candidates.clone().map(|(_, _, slot)| *slot);
        let likely = || Kept::unasked(likely(registration, candidates.clone(), |_| true));
        let mut first = candidates.clone();
        match (first.next(), first.next()) {
            (None, _) => match comparer.registration(target.instance, target) {
                Ok(_) => Some(Kept::there(Vec::new())),
                Err(Unanswered::Gone) => None,
                Err(Unanswered::Unknown) => Some(Kept::unasked(Vec::new())),
            },
            _ if candidates
                .clone()
                .all(|(_, open, _)| open.kind == Kind::Socket) =>
            {
                Some(Kept::unasked(held(slots(), true)))
            }
            (Some((_, _, slot)), None) => match comparer.registration(*slot, target) {
                Ok(order) => Some(Kept::there(held(slots().filter(|_| order.is_eq()), true))),
                Err(Unanswered::Gone) => None,
                Err(Unanswered::Unknown) => Some(likely()),
            },
            _ if !comparer.has_time_for(target) => Some(likely()),
            _ => self.among_many(comparer, registration, target, candidates),
        }
    }

    /// The same, where an inode is several numbers'.
    fn among_many<'e>(
        &self,
        comparer: &Comparer,
        registration: &Registration,
        target: &Target,
        candidates: impl Iterator<Item = &'e Entry<'a>> + Clone,
    ) -> Option<Kept>
    where
        'a: 'e,
    {
        let key = registration.key?;
        let slots = candidates.clone().map(|(_, _, slot)| *slot);
        let mut sorted = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        let sorted = sorted
            .entry(key)
            .or_insert_with(|| Sorted::new(comparer, slots));
        let found = match sorted.find(comparer, target) {
            Ok(found) => held(found.iter().copied(), true),
            Err(Unanswered::Gone) => return None,
            Err(Unanswered::Unknown) => {
                return Some(Kept::unasked(likely(registration, candidates, |_| true)));
            }
        };
        let lost = &sorted.lost;
        if !found.is_empty() {
            Some(Kept::there(found))
        } else if lost.is_empty() {
            Some(Kept::unasked(found))
        } else {
            let likely = likely(registration, candidates, |it| lost.contains(it));
            Some(Kept::unasked(likely))
        }
    }
}

/// Who keeps a registration's file.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The numbers that name it.
    pub(crate) by: Vec<Held>,
    /// True if the kernel has said that the registration is there.
    pub(crate) is_there: bool,
}

impl Kept {
    fn there(by: Vec<Held>) -> Kept {
        Kept { by, is_there: true }
    }

    fn unasked(by: Vec<Held>) -> Kept {
        Kept {
            by,
            is_there: false,
        }
    }
}

/// An inode of one's own says something even where the kernel may not be asked.
fn likely<'e, 'a: 'e>(
    registration: &Registration,
    candidates: impl Iterator<Item = &'e Entry<'a>> + Clone,
    is_unknown_fn: impl Fn(&Slot) -> bool,
) -> Vec<Held> {
    // An inode that one file shares is shared by all of its files.
    let mut first = candidates.clone();
    if first
        .next()
        .is_some_and(|(_, open, _)| open.kind.shares_its_inode())
    {
        return Vec::new();
    }
    let says_something = |(_, open, slot): &&Entry<'_>| {
        is_unknown_fn(slot) && open.can_wait_for(registration.events)
    };
    let likely = candidates.filter(says_something);
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
