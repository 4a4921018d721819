//! The tasks of a state, and at which of them a step has looked.
//!
//! What a step does follows from the kernel, the ledger and those tasks alone:
//! mostly its own.

use super::Runner;
use crate::store::{Tracked, Written};
use std::ops::{Index, IndexMut};
use std::sync::atomic::{AtomicU8, Ordering};

/// The tasks, by their pids.
#[derive(Debug)]
pub(super) struct Runners {
    all: Vec<Tracked<Runner>>,
    /// Those looked at, a bit each. Only the thread that has the state looks.
    seen: AtomicU8,
}

impl Runners {
    pub(super) fn new(all: impl Iterator<Item = Runner>) -> Runners {
        Runners {
            all: all.map(Tracked::new).collect(),
            seen: AtomicU8::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    #[inline]
    pub(super) fn get(&self, task: usize) -> Option<&Runner> {
        (task < self.all.len()).then(|| &self[task])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Runner> {
        self.seen.store(u8::MAX, Ordering::Relaxed);
        self.all.iter().map(|runner| &**runner)
    }

    /// From here on none was looked at.
    #[inline]
    pub(super) fn look_away(&mut self) {
        *self.seen.get_mut() = 0;
    }

    /// True if another one than this was looked at.
    #[inline]
    pub(super) fn has_seen_others(&self, task: usize) -> bool {
        self.seen.load(Ordering::Relaxed) & !(1 << task) != 0
    }

    /// One of them as a component of the state: that is no look at the task.
    #[inline]
    pub(super) fn component(&self, task: usize) -> &Tracked<Runner> {
        &self.all[task]
    }

    #[inline]
    pub(super) fn component_mut(&mut self, task: usize) -> &mut Tracked<Runner> {
        &mut self.all[task]
    }

    /// Those that may have been written to, a bit each.
    #[inline]
    pub(super) fn written(&self) -> u32 {
        let all = self.all.iter().enumerate();
        all.fold(0, |bits, (task, runner)| {
            bits | u32::from(runner.is_written()) << task
        })
    }

    pub(super) fn revert_to(&mut self, original: &Runners) {
        for (runner, original) in self.all.iter_mut().zip(&original.all) {
            runner.revert_to(original);
        }
    }
}

impl Index<usize> for Runners {
    type Output = Runner;

    #[inline]
    fn index(&self, task: usize) -> &Runner {
        let seen = self.seen.load(Ordering::Relaxed);
        self.seen.store(seen | 1 << task, Ordering::Relaxed);
        &self.all[task]
    }
}

impl IndexMut<usize> for Runners {
    #[inline]
    fn index_mut(&mut self, task: usize) -> &mut Runner {
        *self.seen.get_mut() |= 1 << task;
        &mut self.all[task]
    }
}

impl Clone for Runners {
    fn clone(&self) -> Runners {
        Runners {
            all: self.all.clone(),
            seen: AtomicU8::new(0),
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, source: &Runners) {
        self.all.clone_from(&source.all);
    }
}
