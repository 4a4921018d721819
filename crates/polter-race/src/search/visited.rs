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
//!
//! A table that is nearly full is copied into a larger one: by all cores together
//! between two levels, or by one of them when a level brings more than was foreseen.

use crate::store::Slots;
use crate::sys;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// The states known.
#[derive(Debug)]
pub(crate) struct Visited {
    table: RwLock<Table>,
    /// What the table is being copied into.
    larger: RwLock<Option<Table>>,
    /// Held by the one who copies it alone; the others wait here, and look again.
    alone: Mutex<()>,
    count: AtomicUsize,
}

/// The table, as it is for some time: it does not grow while this is held.
pub(crate) type Known<'a> = RwLockReadGuard<'a, Table>;

/// A slot is a fingerprint, and how the state was reached: inverted, so that the least is
/// the greatest. Both are zero where there is none.
#[derive(Debug)]
pub(crate) struct Table {
    slots: Slots<2>,
    /// The bits that are not part of a place.
    shift: u32,
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
            larger: RwLock::default(),
            alone: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// The table, as it is.
    pub(crate) fn known(&self) -> Known<'_> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if there is room for so many states more.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.known()
            .has_room(self.count.load(Ordering::Relaxed) + more)
    }

    /// The table, with room for so many states more; nothing if it would have to grow and
    /// `may_take_fn` does not let it have so many bytes.
    pub(crate) fn with_room(
        &self,
        more: usize,
        may_take_fn: impl Fn(u64) -> bool,
    ) -> Option<Known<'_>> {
        loop {
            let known = self.known();
            if known.has_room(self.count.load(Ordering::Relaxed) + more) {
                return Some(known);
            }
            drop(known);
            // Who waits for a lock to write with may wait for long: readers come and go.
            let _alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
            if self.has_room(more) {
                continue;
            }
            if !may_take_fn(self.larger_bytes()) {
                return None;
            }
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            let larger = table.doubled();
            table.copy(0..table.slots.count(), &larger);
            *table = larger;
        }
    }

    /// Before all cores copy the table into a larger one; nobody inserts meanwhile.
    pub(crate) fn begin_growth(&self) {
        let larger = self.known().doubled();
        let mut place = self.larger.write().unwrap_or_else(PoisonError::into_inner);
        *place = Some(larger);
    }

    /// One core's part in that: it takes ranges of so many slots until there are none.
    pub(crate) fn grow(&self, mut take_fn: impl FnMut(usize) -> Option<Range<usize>>) {
        let table = self.known();
        let larger = self.larger.read().unwrap_or_else(PoisonError::into_inner);
        let larger = larger.as_ref().expect("growth has begun");
        while let Some(range) = take_fn(table.slots.count()) {
            table.copy(range, larger);
        }
    }

    /// When all have done theirs; or when there was no growth at all.
    pub(crate) fn end_growth(&self) {
        let mut larger = self.larger.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(larger) = larger.take() {
            *self.table.write().unwrap_or_else(PoisonError::into_inner) = larger;
        }
    }

    /// So many states were new.
    pub(crate) fn count(&self, new: usize) {
        self.count.fetch_add(new, Ordering::Relaxed);
    }

    /// The memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        (self.known().slots.count() * size_of::<[u64; 2]>()) as u64
    }

    /// What the next larger table takes.
    pub(crate) fn larger_bytes(&self) -> u64 {
        self.bytes() * 2
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
        // Upside down: of two ways to a state the shorter one is the larger word, so `fetch_max` keeps it, whichever core
        // comes first.
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
        let shift = 64 - slots.trailing_zeros();
        let slots = Slots::new(slots);
        sys::advise_large_pages(slots.memory());
        Table { slots, shift }
    }

    /// Five eighths may be taken.
    fn has_room(&self, states: usize) -> bool {
        states <= self.slots.count() / 8 * 5
    }

    /// An empty one, of twice its size.
    fn doubled(&self) -> Table {
        Table::new(self.slots.count() * 2)
    }

    /// Copies what some slots hold.
    fn copy(&self, range: Range<usize>, larger: &Table) {
        for [fingerprint, reached] in &self.slots.all()[range] {
            let fingerprint = fingerprint.load(Ordering::Relaxed);
            if fingerprint != 0 {
                let (copied, _) = larger.reached_of(fingerprint);
                copied.store(reached.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    }

    /// True if nothing comes of inserting the state; false also if it lies behind its place.
    #[inline]
    pub(crate) fn knows(&self, state: u64, from: u64, task: usize, depth: u32) -> bool {
        let [fingerprint, known] = &self.slots.all()[(state >> self.shift) as usize];
        let reached = Reached::by(from, task, depth).pack();
        // Both at once, whatever the first one says.
        (fingerprint.load(Ordering::Relaxed) == state) & (known.load(Ordering::Relaxed) >= reached)
    }

    /// True if the state was not known.
    #[inline]
    pub(crate) fn insert(&self, state: u64, from: u64, task: usize, depth: u32) -> bool {
        let reached = Reached::by(from, task, depth).pack();
        let (known, is_new) = self.reached_of(state);
        if reached > known.load(Ordering::Relaxed) {
            known.fetch_max(reached, Ordering::Relaxed);
        }
        is_new
    }

    /// How a state was reached, and whether a slot was taken for it just now.
    #[inline]
    fn reached_of(&self, state: u64) -> (&AtomicU64, bool) {
        // Zero is no fingerprint here.
        let state = state.max(1);
        let slots = self.slots.all();
        let mut place = (state >> self.shift) as usize;
        loop {
            let [fingerprint, reached] = &slots[place];
            let mut known = fingerprint.load(Ordering::Relaxed);
            // Relaxed: the fingerprint alone says that the slot is taken, and paths are read when the threads have joined.
            if known == 0 {
                let taken =
                    fingerprint.compare_exchange(0, state, Ordering::Relaxed, Ordering::Relaxed);
                match taken {
                    Ok(_) => return (reached, true),
                    Err(other) => known = other,
                }
            }
            if known == state {
                return (reached, false);
            }
            place = (place + 1) & (slots.len() - 1);
        }
    }

    /// Whose steps led to a state.
    pub(crate) fn path_to(&self, state: u64) -> Vec<u8> {
        let mut path = Vec::new();
        let mut next = self.reached(state, 0, MAX_DEPTH);
        while let Some(reached) = next.filter(|reached| reached.depth > 0) {
            path.push(reached.task);
            // A slot holds only the upper bits of where a state was reached from. The depth, which falls by one from step
            // to step, tells it from another state with the same upper bits.
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
            let [fingerprint, reached] = &self.slots.all()[place];
            let fingerprint = fingerprint.load(Ordering::Relaxed);
            if fingerprint == 0 {
                return None;
            }
            let reached = Reached::unpack(reached.load(Ordering::Relaxed));
            if fingerprint >> unknown == state >> unknown && reached.depth <= depth {
                return Some(reached);
            }
            place = (place + 1) & (self.slots.count() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_back_to_the_start() {
        let visited = Visited::new();
        let fingerprint = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for at in 0..5000_u64 {
            let known = visited.with_room(1, |_| true).expect("it may grow");
            let from = fingerprint(at.saturating_sub(1));
            assert!(known.insert(fingerprint(at), from, at as usize % 7, at as u32));
            assert!(
                !known.insert(fingerprint(at), from, 9, at as u32),
                "a later one"
            );
            visited.count(1);
        }
        let path = visited.known().path_to(fingerprint(4999));
        let expected: Vec<u8> = (1..5000).map(|at| (at % 7) as u8).collect();
        assert_eq!(path, expected);
    }

    #[test]
    fn a_table_that_two_cores_copy_keeps_every_state() {
        let visited = Visited::new();
        let room = FIRST / 8 * 5;
        let fingerprint = |at: usize| (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for at in 0..room {
            visited
                .known()
                .insert(fingerprint(at), fingerprint(at / 2), at % 5, 7);
            visited.count(1);
        }
        assert!(visited.has_room(0) && !visited.has_room(1));
        let before: Vec<_> = (0..room)
            .map(|at| visited.known().reached(fingerprint(at), 0, 7))
            .collect();
        let next = AtomicUsize::new(0);
        let take_fn = |slots| {
            let first = next.fetch_add(64, Ordering::Relaxed);
            (first < slots).then(|| first..slots.min(first + 64))
        };
        visited.begin_growth();
        std::thread::scope(|scope| {
            scope.spawn(|| visited.grow(take_fn));
            visited.grow(take_fn);
        });
        visited.end_growth();
        assert!(visited.has_room(room));
        let after: Vec<_> = (0..room)
            .map(|at| visited.known().reached(fingerprint(at), 0, 7))
            .collect();
        assert_eq!(before, after);
        assert!(after.iter().all(Option::is_some));
        assert!(visited.known().reached(fingerprint(room), 0, 7).is_none());
    }

    #[test]
    fn a_table_that_may_not_grow_says_so() {
        let visited = Visited::new();
        visited.count(FIRST / 8 * 5);
        let bytes = visited.bytes();
        assert!(visited.with_room(1, |more| more < bytes * 2).is_none());
        assert!(visited.with_room(1, |more| more == bytes * 2).is_some());
        assert_eq!(visited.bytes(), bytes * 2);
    }

    #[test]
    fn among_steps_of_one_length_the_least_is_kept() {
        let visited = Visited::new();
        let known = visited.known();
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
