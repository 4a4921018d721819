//! A state among many, and what each task's step from it does.

use super::Stepped;
use super::moves::{Move, Words};
use super::parts::MAX_PARTS;

/// The most tasks and timers.
const MAX_TURNS: usize = 2 * Stepped::MAX_TASKS;

/// A state by its numbers, and the steps from it as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct Stand {
    pub(super) print: u64,
    pub(super) numbers: [u32; MAX_PARTS],
    /// The tasks that are not through, a bit each.
    pub(super) able: u32,
    pub(super) turns: [TurnOf; MAX_TURNS],
}

/// A task's step: its key, what may be known of it, and what it does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TurnOf {
    pub(super) key: u64,
    pub(super) known: Words,
    pub(super) step: Move,
}

impl Stand {
    /// The state's fingerprint.
    pub fn print(&self) -> u64 {
        self.print
    }

    /// Adds the numbers of the state that a task's step led to.
    pub(super) fn save(&self, task: usize, width: usize, numbers: &mut Vec<u32>) {
        let from = numbers.len();
        numbers.extend_from_slice(&self.numbers[..width]);
        let step = &self.turns[task].step;
        let mut changed = step.changed;
        while changed != 0 {
            let place = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            numbers[from + place] = step.numbers[place];
        }
    }
}
