//! Who has a registration's file open: all fds in sight, narrowed by inode, then by file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use super::compare::{Comparer, Slot, Target, Unanswered};
use super::sorted::Sorted;
use crate::snapshot::{FileKey, Held, Kind, OpenFd, Process, Registration};

/// An fd of an inode in question: the inode, the file, and where the fd is.
type Candidate<'a> = (FileKey, &'a OpenFd, Slot);

/// The open fds of the inodes in question.
#[derive(Debug)]
pub(super) struct Holders<'a> {
    by_ino: FxHashMap<u64, Vec<Candidate<'a>>>,
    /// For an inode that several fds name: those fds, sorted by file. Sorting asks the kernel, so
    /// it is done when the first question about the inode comes.
    sorted: Mutex<BTreeMap<FileKey, Sorted>>,
}

impl<'a> Holders<'a> {
    /// Goes once over all fds.
    pub(super) fn new(
        processes: &'a BTreeMap<u32, Process>,
        inodes: &FxHashSet<u64>,
    ) -> Holders<'a> {
        let mut by_ino: FxHashMap<u64, Vec<Candidate<'a>>> = FxHashMap::default();
        for process in processes.values().filter(|_| !inodes.is_empty()) {
            for open in &process.open {
                if let Some(key) = open.key.filter(|key| inodes.contains(&key.ino)) {
                    let candidate = (key, open, (process.pid, open.fd));
                    by_ino.entry(key.ino).or_default().push(candidate);
                }
            }
        }
        Holders {
            by_ino,
            sorted: Mutex::default(),
        }
    }

    /// The fds of a registration's file; `None` if the registration turns out to be gone.
    pub(super) fn of(
        &self,
        comparer: &Comparer,
        registration: &Registration,
        target: &Target,
    ) -> Option<Kept> {
        let Some(key) = registration.key else {
            return Some(Kept::unasked(Vec::new()));
        };
        let same_ino = self.by_ino.get(&key.ino).map_or(&[][..], Vec::as_slice);
        // Kept lazy: an inode may have a hundred thousand fds, and there may be as many
        // registrations.
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

    /// The same, where several fds name the inode.
    fn among_many<'e>(
        &self,
        comparer: &Comparer,
        registration: &Registration,
        target: &Target,
        candidates: impl Iterator<Item = &'e Candidate<'a>> + Clone,
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

/// Who has a registration's file open.
#[derive(Debug)]
pub(super) struct Kept {
    /// The fds that name it.
    pub(super) by: Vec<Held>,
    /// True if the kernel has said that the registration is still there.
    pub(super) is_there: bool,
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

/// The fds that have the same inode, where the kernel cannot be asked: likely holders, if unrelated
/// files do not share that inode.
fn likely<'e, 'a: 'e>(
    registration: &Registration,
    candidates: impl Iterator<Item = &'e Candidate<'a>> + Clone,
    is_unknown_fn: impl Fn(&Slot) -> bool,
) -> Vec<Held> {
    // All fds of one inode are of the same kind, so the first one tells.
    let mut first = candidates.clone();
    if first
        .next()
        .is_some_and(|(_, open, _)| open.kind.shares_its_inode())
    {
        return Vec::new();
    }
    let says_something = |(_, open, slot): &&Candidate<'_>| {
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
