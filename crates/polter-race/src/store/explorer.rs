//! One thread's walk through stored states.
//!
//! ```text
//!   ComponentStore    each component that some state has, once   (shared by all threads)
//!   TransitionCache   what steps did                             (shared by all threads)
//!        ▲ ▼
//!   Explorer          look_up(numbers) ─▶ State ▸ step(task) ─▶ fingerprint ▸ save(task) ─▶ numbers
//! ```
//!
//! A state is stored as the numbers of its components, a word each. Most steps are in the cache, and then the state
//! is not even built. To build it is to copy the components in which it differs from the state built last; what a
//! step did is read off the components it has written to.

use super::components::{ComponentStore, Kept};
use super::fingerprint::{Folding, digest, fingerprint};
use super::state::State;
use super::transitions::{self, Transition, TransitionCache};
use eventpoll::stepped::{Finding, Step, Stepped};
use rustc_hash::FxHashMap;
use std::hash::Hasher;
use std::sync::Arc;

/// Takes steps from stored states, for one thread.
#[derive(Debug)]
pub struct Explorer<'a> {
    shared: &'a ComponentStore,
    /// The state that was built last, and the numbers of its components.
    made: Stepped,
    made_of: [u32; Stepped::MAX_COMPONENTS],
    /// This thread's copy of what is shared.
    components: Vec<Kept>,
    by_digest: FxHashMap<u64, u32>,
}

/// What a task's step leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepResult {
    /// It cannot be taken now.
    Blocked,
    /// A state with this fingerprint.
    To(u64),
    /// It found a fault.
    Found(Finding),
}

impl<'a> Explorer<'a> {
    /// Numbers the components of `start`, which becomes the state built last.
    pub fn new(shared: &'a ComponentStore, start: &Stepped) -> Explorer<'a> {
        let mut explorer = Explorer {
            shared,
            made: start.clone(),
            made_of: [0; Stepped::MAX_COMPONENTS],
            components: Vec::new(),
            by_digest: FxHashMap::default(),
        };
        for place in 0..explorer.width() {
            let digest = digest(&explorer.made, place);
            explorer.made_of[place] = explorer.number(place, digest);
            explorer.made.settle_component(place);
        }
        explorer
    }

    /// The fingerprint and the numbers of the state that was built last.
    pub fn made(&self) -> (u64, &[u32]) {
        (fingerprint(&self.made), &self.made_of[..self.width()])
    }

    /// How many numbers stand for a state.
    pub fn width(&self) -> usize {
        self.made.components()
    }

    /// How many tasks can take a step, timers among them ([`Stepped::tasks`]).
    pub fn tasks(&self) -> usize {
        self.made.tasks()
    }

    /// Goes to a stored state, by whichever thread it was saved, and looks its steps up.
    ///
    /// These reads miss the cache, and misses overlap: with several states to expand, look all of them up before
    /// taking the first step.
    #[inline]
    pub fn look_up(
        &mut self,
        state: &mut State,
        fingerprint: u64,
        numbers: &[u32],
        cache: &TransitionCache,
    ) {
        state.fingerprint = fingerprint;
        state.numbers[..numbers.len()].copy_from_slice(numbers);
        let mut shared = Folding::new(0);
        for number in &numbers[..Stepped::SHARED_COMPONENTS] {
            shared.write_u32(*number);
        }
        let shared = shared.finish();
        state.able = 0;
        for task in 0..self.tasks() {
            let runner = numbers[Stepped::SHARED_COMPONENTS + self.runner_of(task)];
            if !self.kept(runner).is_finished {
                let key = transitions::key(shared, task, runner);
                state.able |= 1 << task;
                state.steps[task].key = key;
                state.steps[task].known = cache.read(key);
            }
        }
    }

    /// The task itself, or the one whose timer it is.
    fn runner_of(&self, task: usize) -> usize {
        self.made.timer_of(task).unwrap_or(task)
    }

    /// Builds a state from its components, copying only those that differ from the last one built.
    pub fn state(&mut self, state: &State) -> &Stepped {
        let written = self.made.written_components();
        for place in 0..self.width() {
            let number = state.numbers[place];
            if self.made_of[place] == number && written & 1 << place == 0 {
                continue;
            }
            if number as usize >= self.components.len() {
                self.catch_up();
            }
            let component = &self.components[number as usize].component;
            self.made.put_component(place, component);
            self.made_of[place] = number;
        }
        &self.made
    }

    /// A task's step one point further.
    #[inline]
    pub fn step(&mut self, state: &mut State, task: usize, cache: &TransitionCache) -> StepResult {
        if state.able & 1 << task == 0 {
            return StepResult::Blocked;
        }
        let step = &mut state.steps[task];
        if !step.transition.unpack(step.key, &step.known)
            && let Err(finding) = self.compute_step(state, task, cache)
        {
            return StepResult::Found(finding);
        }
        let transition = &state.steps[task].transition;
        match transition.is_blocked {
            true => StepResult::Blocked,
            false => StepResult::To(state.fingerprint.wrapping_add(transition.fingerprint)),
        }
    }

    /// Takes a step that the cache does not know.
    fn compute_step(
        &mut self,
        state: &mut State,
        task: usize,
        cache: &TransitionCache,
    ) -> Result<(), Finding> {
        self.state(state);
        self.made.forget_looks();
        let step = &mut state.steps[task];
        match self.made.step(task) {
            Step::Found(finding) => {
                self.made.drop_deferred();
                return Err(finding);
            }
            Step::Blocked => step.transition.is_blocked = true,
            Step::Taken => step.transition = self.changes(),
        }
        if !self.made.has_looked_at_others(self.runner_of(task)) {
            cache.keep(step.key, &step.transition);
        }
        Ok(())
    }

    /// Reads off what a step has changed.
    fn changes(&mut self) -> Transition {
        let mut step = Transition::default();
        let mut written = self.made.written_components();
        while written != 0 {
            let place = written.trailing_zeros() as usize;
            written &= written - 1;
            let old = self.components[self.made_of[place] as usize].digest;
            let digest = digest(&self.made, place);
            if digest != old {
                let number = self.number(place, digest);
                step.fingerprint = step.fingerprint.wrapping_add(digest.wrapping_sub(old));
                step.changed |= 1 << place;
                step.numbers[place] = number;
                self.made_of[place] = number;
            }
            self.made.settle_component(place);
        }
        step
    }

    /// Appends the numbers of the state that a task's step led to.
    pub fn save(&self, state: &State, task: usize, numbers: &mut Vec<u32>) {
        state.save(task, self.width(), numbers);
    }

    #[inline]
    fn kept(&mut self, number: u32) -> &Kept {
        if number as usize >= self.components.len() {
            self.catch_up();
        }
        &self.components[number as usize]
    }

    /// The number of a component; a new one is shared with all threads.
    fn number(&mut self, place: usize, digest: u64) -> u32 {
        if let Some(number) = self.by_digest.get(&digest) {
            return *number;
        }
        let mut all = self.shared.lock();
        let next = all.components.len() as u32;
        let number = *all.by_digest.entry(digest).or_insert(next);
        if number == next {
            let component = self.made.component(place);
            let is_finished = self.made.is_component_finished(place);
            all.weight += component.weight();
            all.components.push(Kept {
                digest,
                is_finished,
                component: Arc::new(component),
            });
        }
        drop(all);
        self.catch_up();
        number
    }

    /// Copies the components that other threads have added.
    fn catch_up(&mut self) {
        let all = self.shared.lock();
        for kept in &all.components[self.components.len()..] {
            self.by_digest
                .insert(kept.digest, self.components.len() as u32);
            self.components.push(kept.clone());
        }
    }
}
