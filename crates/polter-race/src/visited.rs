//! The states known, and how each was reached first.
//!
//! ```text
//!   slot:  fingerprint, 64 bits │ depth, 20 │ from, 40 │ task, 4
//! ```
//!
//! A state is known by its fingerprint. The step that led to it is kept, so
//! that a shortest schedule can be read off backwards. Among steps of the same
//! length the least is kept: what is found does not depend on which core was faster.
//!
//! One table for all cores, without a lock: a slot is taken by a compare-and-swap
//! of its fingerprint. It lies at the fingerprint's upper bits or soon behind,
//! so that a state is found by its upper 40 bits and its depth as well.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// The states known.
#[derive(Debug)]
pub(crate) struct Visited {
    table: RwLock<Table>,
    count: AtomicUsize,
}

/// The table, as it is for some time: it does not grow while this is held.
pub(crate) type Known<'a> = RwLockReadGuard<'a, Table>;

#[derive(Debug)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    /// The bits that are not part of a place.
    shift: u32,
}

/// One state; all zero where there is none.
#[derive(Debug, Default)]
struct Slot {
    print: AtomicU64,
    /// How it was reached, inverted: the least is the greatest.
    reached: AtomicU64,
}

/// Slots of a new table.
const FIRST: usize = 1 << 10;
const TASK_BITS: u32 = 4;
const FROM_BITS: u32 = 40;
const UNKNOWN_BITS: u32 = 64 - FROM_BITS;
const MAX_DEPTH: u32 = (1 << (UNKNOWN_BITS - TASK_BITS)) - 1;

impl Visited {
    pub(crate) fn new() -> Visited {
        Visited {
            table: RwLock::new(Table::new(FIRST)),
            count: AtomicUsize::new(0),
        }
    }

    /// The table, with room for so many states more.
    pub(crate) fn with_room(&self, more: usize) -> Known<'_> {
        loop {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            if table.has_room(self.count.load(Ordering::Relaxed) + more) {
                return table;
            }
            drop(table);
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            while !table.has_room(self.count.load(Ordering::Relaxed) + more) {
                *table = table.doubled();
            }
        }
    }

    /// So many states were new.
    pub(crate) fn count(&self, new: usize) {
        self.count.fetch_add(new, Ordering::Relaxed);
    }

    /// The memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        (table.slots.len() * size_of::<Slot>()) as u64
    }
}

/// How a state was reached: after how many steps, from where, by whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reached {
    depth: u32,
    /// The upper bits of the fingerprint.
    from: u64,
    task: u8,
}

impl Reached {
    fn by(from: u64, task: usize, depth: u32) -> Reached {
        Reached {
            depth,
            from: from >> UNKNOWN_BITS,
            task: task as u8,
        }
    }

    fn pack(self) -> u64 {
        let depth = u64::from(self.depth.min(MAX_DEPTH));
        !((depth << FROM_BITS | self.from) << TASK_BITS | u64::from(self.task))
    }

    fn unpack(word: u64) -> Reached {
        let word = !word;
        Reached {
            depth: (word >> (FROM_BITS + TASK_BITS)) as u32,
            from: word >> TASK_BITS & ((1 << FROM_BITS) - 1),
            task: (word & ((1 << TASK_BITS) - 1)) as u8,
        }
    }
}

impl Table {
    fn new(slots: usize) -> Table {
        Table {
            slots: (0..slots).map(|_| Slot::default()).collect(),
            shift: 64 - slots.trailing_zeros(),
        }
    }

    /// Five eighths may be taken.
    fn has_room(&self, states: usize) -> bool {
        states <= self.slots.len() / 8 * 5
    }

    fn doubled(&self) -> Table {
        let table = Table::new(self.slots.len() * 2);
        for slot in &self.slots {
            let print = slot.print.load(Ordering::Relaxed);
            if print != 0 {
                let (slot_of, _) = table.slot_of(print);
                let reached = slot.reached.load(Ordering::Relaxed);
                slot_of.reached.store(reached, Ordering::Relaxed);
            }
        }
        table
    }

    /// True if nothing comes of inserting the state; false also if it lies behind its place.
    #[inline]
    pub(crate) fn knows(&self, state: u64, from: u64, task: usize, depth: u32) -> bool {
        let slot = &self.slots[(state >> self.shift) as usize];
        let reached = Reached::by(from, task, depth).pack();
        // Both at once, whatever the first one says.
        (slot.print.load(Ordering::Relaxed) == state)
            & (slot.reached.load(Ordering::Relaxed) >= reached)
    }

    /// True if the state was not known.
    #[inline]
    pub(crate) fn insert(&self, state: u64, from: u64, task: usize, depth: u32) -> bool {
        let reached = Reached::by(from, task, depth).pack();
        let (slot, is_new) = self.slot_of(state);
        if reached > slot.reached.load(Ordering::Relaxed) {
            slot.reached.fetch_max(reached, Ordering::Relaxed);
        }
        is_new
    }

    /// The slot of a state, and whether it was taken for it just now.
    #[inline]
    fn slot_of(&self, state: u64) -> (&Slot, bool) {
        // Zero is no fingerprint here.
        let state = state.max(1);
        let mut place = (state >> self.shift) as usize;
        loop {
            let slot = &self.slots[place];
            let mut print = slot.print.load(Ordering::Relaxed);
            if print == 0 {
                let taken =
                    slot.print
                        .compare_exchange(0, state, Ordering::Relaxed, Ordering::Relaxed);
                match taken {
                    Ok(_) => return (slot, true),
                    Err(other) => print = other,
                }
            }
            if print == state {
                return (slot, false);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    /// Whose steps led to a state.
    pub(crate) fn path_to(&self, state: u64) -> Vec<u8> {
        let mut path = Vec::new();
        let mut next = self.reached(state, 0, MAX_DEPTH);
        while let Some(reached) = next.filter(|reached| reached.depth > 0) {
            path.push(reached.task);
            let from = reached.from << UNKNOWN_BITS;
            next = self.reached(from, UNKNOWN_BITS, reached.depth - 1);
        }
        path.reverse();
        path
    }

    /// How a state was reached that is at most so deep and of whose fingerprint so many lower
    /// bits are not known.
    fn reached(&self, state: u64, unknown: u32, depth: u32) -> Option<Reached> {
        let state = if unknown == 0 { state.max(1) } else { state };
        let mut place = (state >> self.shift) as usize;
        loop {
            let slot = &self.slots[place];
            let print = slot.print.load(Ordering::Relaxed);
            if print == 0 {
                return None;
            }
            let reached = Reached::unpack(slot.reached.load(Ordering::Relaxed));
            if print >> unknown == state >> unknown && reached.depth <= depth {
                return Some(reached);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_back_to_the_start() {
        let visited = Visited::new();
        let print = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for at in 0..5000_u64 {
            let known = visited.with_room(1);
            let from = print(at.saturating_sub(1));
            assert!(known.insert(print(at), from, at as usize % 7, at as u32));
            assert!(!known.insert(print(at), from, 9, at as u32), "a later one");
            visited.count(1);
        }
        let path = visited.with_room(0).path_to(print(4999));
        let expected: Vec<u8> = (1..5000).map(|at| (at % 7) as u8).collect();
        assert_eq!(path, expected);
    }

    #[test]
    fn among_steps_of_one_length_the_least_is_kept() {
        let visited = Visited::new();
        let known = visited.with_room(3);
        let (one, other) = (1 << 40, 2 << 40);
        for (state, task) in [(one, 1), (other, 2)] {
            known.insert(state, 0, task, 1);
        }
        let end = 3 << 40;
        for (from, task, depth) in [(other, 0, 2), (one, 3, 2), (one, 4, 2), (0, 0, 3)] {
            known.insert(end, from, task, depth);
        }
        assert_eq!(known.path_to(end), [1, 3]);
    }
}
