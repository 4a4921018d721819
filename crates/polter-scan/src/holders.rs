//! Who has a registration's file open: every number in sight, by inode, then by file.

use std::collections::BTreeMap;

use crate::compare::{Comparer, Slot, Sorted, Target};
use crate::snapshot::{FileKey, Held, Kind, Process, Registration};

/// A number, what it names, and where.
type Entry = (FileKey, Kind, Slot);

/// All open numbers by inode; made when the first ghost asks.
#[derive(Debug)]
pub(crate) struct Holders<'a> {
    processes: &'a BTreeMap<u32, Process>,
    by_ino: Option<BTreeMap<u64, Vec<Entry>>>,
    /// The numbers of an inode that is many files', sorted by file.
    sorted: BTreeMap<FileKey, Sorted>,
}

impl<'a> Holders<'a> {
    pub(crate) fn new(processes: &'a BTreeMap<u32, Process>) -> Holders<'a> {
        Holders {
            processes,
            by_ino: None,
            sorted: BTreeMap::new(),
        }
    }

    /// The numbers of a registration's file.
    pub(crate) fn of(
        &mut self,
        comparer: &Comparer,
        registration: &Registration,
        target: &Target,
    ) -> Vec<Held> {
        let Some(key) = registration.key else {
            return Vec::new();
        };
        let by_ino = self.by_ino.get_or_insert_with(|| index(self.processes));
        let same_ino = by_ino.get(&key.ino).map_or(&[][..], Vec::as_slice);
        let candidates: Vec<(Kind, Slot)> = same_ino
            .iter()
            .filter(|(other, ..)| key.can_be(*other))
            .map(|&(_, kind, slot)| (kind, slot))
            .collect();
        if candidates.iter().all(|(kind, _)| *kind == Kind::Socket) {
            return held(candidates.iter().map(|(_, slot)| *slot), true);
        }
        let slots = || candidates.iter().map(|(_, slot)| *slot);
        let sorted = self
            .sorted
            .entry(key)
            .or_insert_with(|| Sorted::new(comparer, slots()));
        let found = held(sorted.find(comparer, target).iter().copied(), true);
        if !found.is_empty() || sorted.lost.is_empty() {
            return found;
        }
        // An inode of one's own says something even where the kernel may not be asked.
        let processes = self.processes;
        let says_something = |(kind, slot): &(Kind, Slot)| {
            let open = processes.get(&slot.0).and_then(|it| it.open_fd(slot.1));
            !kind.shares_its_inode()
                && sorted.lost.contains(slot)
                && open.is_some_and(|open| open.can_wait_for(registration.events))
        };
        let likely = candidates.iter().filter(|it| says_something(it));
        held(likely.map(|(_, slot)| *slot), false)
    }
}

fn index(processes: &BTreeMap<u32, Process>) -> BTreeMap<u64, Vec<Entry>> {
    let mut by_ino: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
    for process in processes.values() {
        for open in &process.open {
            if let Some(key) = open.key {
                let slot = (process.pid, open.fd);
                by_ino
                    .entry(key.ino)
                    .or_default()
                    .push((key, open.kind, slot));
            }
        }
    }
    by_ino
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
