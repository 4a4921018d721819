//! A stored state, and what each task's step from it does.

use super::transitions::{Transition, Words};
use eventpoll::stepped::Stepped;

/// The most tasks and timers.
const MAX_STEPS: usize = 2 * Stepped::MAX_TASKS;

/// A state by the numbers of its components, and the steps from it as far as they are known.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) fingerprint: u64,
    pub(super) numbers: [u32; Stepped::MAX_COMPONENTS],
    /// The tasks that have not finished, a bit each.
    pub(super) able: u32,
    pub(super) steps: [StepFrom; MAX_STEPS],
}

/// A task's step: its key, what the cache answered, and the transition once it is certain.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StepFrom {
    pub(super) key: u64,
    pub(super) known: Words,
    pub(super) transition: Transition,
}

impl State {
    /// The state's fingerprint.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Appends the numbers of the state that a task's step led to.
    pub(super) fn save(&self, task: usize, width: usize, numbers: &mut Vec<u32>) {
        let from = numbers.len();
        numbers.extend_from_slice(&self.numbers[..width]);
        let transition = &self.steps[task].transition;
        let mut changed = transition.changed;
        while changed != 0 {
            let place = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            numbers[from + place] = transition.numbers[place];
        }
    }
}
