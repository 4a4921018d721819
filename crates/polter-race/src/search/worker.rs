//! The workers of a search, one a core: they expand a level together, or what is left by depth.

use super::level::{AtWork, Block, Level, Plan, Portion, Rounds};
use super::visited::{Known, Visited};
use super::{Bounds, Found, Limit, Progress};
use crate::schedule::Schedule;
use crate::store::{ComponentStore, Explorer, State, StepResult, TransitionCache};
use crate::sys;
use eventpoll::stepped::{Finding, Stepped};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many states a core takes at a time, at most.
const PORTION: usize = 64;

/// How many of them it looks up at a time, while memory answers.
const ABREAST: usize = 8;

/// How many slots of a table a core copies at a time: their copies fill a large page.
const SLOTS: usize = 1 << 16;

const LIMITS: [Option<Limit>; 5] = [
    None,
    Some(Limit::States),
    Some(Limit::Steps),
    Some(Limit::Memory),
    Some(Limit::Stopped),
];

/// A search under way, shared by its workers.
pub(super) struct Search<'a> {
    bounds: Bounds,
    progress: &'a Progress,
    components: ComponentStore,
    visited: Visited,
    found: Mutex<Option<Found>>,
    /// An index of [`LIMITS`].
    limit: AtomicUsize,
}

/// What one core works with.
struct Worker<'a> {
    core: usize,
    explorer: Explorer<'a>,
    /// The states being expanded, and what steps from them lead to.
    batch: Vec<State>,
    successors: Vec<Successor>,
    /// The new states, for the next level.
    next: Block,
    /// Counted since the last report to [`Progress`].
    states: u64,
    steps: u64,
    endings: u64,
}

/// A state that a step leads to.
struct Successor {
    /// The place in the batch of the state it comes from.
    from: usize,
    task: usize,
    fingerprint: u64,
    is_known: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(bounds: Bounds, progress: &'a Progress) -> Search<'a> {
        Search {
            bounds,
            progress,
            components: ComponentStore::default(),
            visited: Visited::new(),
            found: Mutex::default(),
            limit: AtomicUsize::new(0),
        }
    }

    /// What was found, and the bound that ended it.
    pub(super) fn finish(self) -> (Option<Found>, Option<Limit>) {
        let found = self.found.into_inner();
        let found = found.unwrap_or_else(PoisonError::into_inner);
        (found, LIMITS[self.limit.into_inner()])
    }

    pub(super) fn run(&self, start: &Stepped) {
        let first = Explorer::new(&self.components, start);
        let (fingerprint, numbers) = first.made();
        let mut block = Block::default();
        block.push(fingerprint, numbers);
        self.visited.known().insert(fingerprint, fingerprint, 0, 0);
        self.visited.count(1);
        self.progress.states.fetch_add(1, Ordering::Relaxed);
        let cores = self.bounds.cores.max(1);
        let rounds = Rounds::new(first.width(), block, cores, |level| self.plan(level));
        std::thread::scope(|scope| {
            for core in 1..cores {
                let rounds = &rounds;
                scope.spawn(move || self.work(core, start, rounds));
            }
            self.work(0, start, &rounds);
        });
    }

    /// One core's part in every level.
    fn work(&self, core: usize, start: &Stepped, rounds: &Rounds) {
        let mut worker = Worker {
            core,
            explorer: Explorer::new(&self.components, start),
            batch: vec![State::default(); ABREAST],
            successors: Vec::new(),
            next: Block::default(),
            states: 0,
            steps: 0,
            endings: 0,
        };
        let _at_work = AtWork(rounds);
        while !rounds.is_broken() {
            {
                let level = rounds.level();
                match level.plan {
                    Plan::Over => return,
                    Plan::Growth => self.visited.grow(|slots| rounds.take_any(slots, SLOTS)),
                    Plan::Breadth => self.expand(&level, rounds, &mut worker),
                    Plan::Depth => self.descend_all(&level, rounds, &mut worker),
                }
                if level.plan != Plan::Growth {
                    rounds.hand_in(core, &mut worker.next);
                }
            }
            rounds.meet(|level| self.plan(level));
        }
    }

    /// The bytes that all cores' shared knowledge takes, beside the levels.
    fn bytes(&self) -> u64 {
        self.visited.bytes() + self.components.bytes(self.bounds.cores)
    }

    /// How the level is to be expanded.
    fn plan(&self, level: &mut Level) -> Plan {
        let depth = level.depth;
        self.visited.end_growth();
        if level.count() == 0 || self.is_over() {
            return Plan::Over;
        }
        let known = &self.progress.depth;
        known.fetch_max(depth.into(), Ordering::Relaxed);
        // Twice a level's bytes: its successors stand beside it until it is done.
        if depth >= self.bounds.steps {
            self.end(Limit::Steps);
            Plan::Over
        } else if level.bytes() * 2 + self.bytes() > self.bounds.memory {
            level.transitions = TransitionCache::default();
            Plan::Depth
        } else {
            self.make_room_for_transitions(level);
            self.make_room_for_states(level)
        }
    }

    /// Makes room for the successors of a level: seldom more than twice its states.
    fn make_room_for_states(&self, level: &mut Level) -> Plan {
        if self.visited.has_room(level.count() * 2) {
            Plan::Breadth
        } else if level.bytes() * 2 + self.bytes() + self.visited.larger_bytes()
            <= self.bounds.memory
        {
            self.visited.begin_growth();
            Plan::Growth
        } else {
            level.transitions = TransitionCache::default();
            Plan::Depth
        }
    }

    /// Room for transitions as there is for states, while memory is plenty.
    fn make_room_for_transitions(&self, level: &mut Level) {
        let taken = level.bytes() * 2 + self.bytes();
        let states = self.progress.states.load(Ordering::Relaxed) as usize;
        let room = states.next_power_of_two();
        if states > level.transitions.room() * 2
            && taken + TransitionCache::bytes_of(room) <= self.bounds.memory / 4
        {
            level.transitions = TransitionCache::with_room(room);
            sys::advise_large_pages(level.transitions.memory());
        } else if taken + level.transitions.bytes() > self.bounds.memory {
            level.transitions = TransitionCache::default();
        }
    }

    /// This core's share of a level. A level in which something is found is finished all the same, so that
    /// what is reported does not depend on which core was faster.
    fn expand(&self, level: &Level, rounds: &Rounds, worker: &mut Worker) {
        // Small enough that all cores end at about the same time.
        let portion = level.count() / (self.bounds.cores.max(1) * 16);
        let portion = portion.clamp(ABREAST, PORTION);
        while let Some(Portion { core, states }) = rounds.take(level, worker.core, portion)
            && self.limit.load(Ordering::Relaxed) == 0
        {
            let Some(known) = self.with_room(worker) else {
                break;
            };
            for first in states.clone().step_by(ABREAST) {
                let some = first..states.end.min(first + ABREAST);
                let states = some.map(|at| level.state(core, at));
                self.expand_some(states, level.depth + 1, &known, &level.transitions, worker);
            }
            drop(known);
            self.count(worker);
        }
    }

    /// The table of known states, with room for all that the cores may find before they ask again. Without
    /// memory for it the search ends.
    fn with_room(&self, worker: &Worker) -> Option<Known<'_>> {
        let tasks = worker.explorer.tasks();
        let more = self.bounds.cores.max(1) * PORTION * tasks;
        let may_take_fn = |bytes| self.bytes() + bytes <= self.bounds.memory;
        let known = self.visited.with_room(more, may_take_fn);
        if known.is_none() {
            self.end(Limit::Memory);
        }
        known
    }

    /// Each task's step from some states, at most [`ABREAST`].
    fn expand_some<'s>(
        &self,
        states: impl Iterator<Item = (u64, &'s [u32])>,
        depth: u32,
        known: &Known<'_>,
        transitions: &TransitionCache,
        worker: &mut Worker,
    ) {
        let mut batch = std::mem::take(&mut worker.batch);
        let mut count = 0;
        for (state, (fingerprint, numbers)) in batch.iter_mut().zip(states) {
            worker
                .explorer
                .look_up(state, fingerprint, numbers, transitions);
            count += 1;
        }
        for (at, state) in batch[..count].iter_mut().enumerate() {
            self.step_all(at, state, known, transitions, worker);
        }
        // Most are known. All are looked up before the first is inserted, so that their cache misses overlap.
        for successor in &mut worker.successors {
            let from = batch[successor.from].fingerprint();
            successor.is_known = known.knows(successor.fingerprint, from, successor.task, depth);
        }
        let new = worker.successors.drain(..).filter(|it| !it.is_known);
        for successor in new {
            let state = &batch[successor.from];
            let Successor {
                task, fingerprint, ..
            } = successor;
            if known.insert(fingerprint, state.fingerprint(), task, depth) {
                worker.states += 1;
                worker.next.add(fingerprint, &worker.explorer, state, task);
            }
        }
        worker.batch = batch;
    }

    /// Each task's step from one state.
    fn step_all(
        &self,
        at: usize,
        state: &mut State,
        known: &Known<'_>,
        transitions: &TransitionCache,
        worker: &mut Worker,
    ) {
        let mut has_stepped = false;
        for task in 0..worker.explorer.tasks() {
            match worker.explorer.step(state, task, transitions) {
                StepResult::Blocked => continue,
                StepResult::Found(finding) => {
                    self.note(known, state.fingerprint(), Some(task), finding);
                }
                StepResult::To(fingerprint) => worker.successors.push(Successor {
                    from: at,
                    task,
                    fingerprint,
                    is_known: false,
                }),
            }
            has_stepped = true;
            worker.steps += 1;
        }
        // Nobody can go on: everybody is done, or somebody is stuck. Which of the two, the state says.
        if !has_stepped {
            worker.endings += 1;
            if let Some(finding) = worker.explorer.state(state).ending() {
                self.note(known, state.fingerprint(), None, finding);
            }
        }
    }

    /// What is left, by depth: it needs no memory for a level.
    fn descend_all(&self, level: &Level, rounds: &Rounds, worker: &mut Worker) {
        while let Some(Portion { core, states }) = rounds.take(level, worker.core, 1)
            && !self.is_over()
        {
            for at in states {
                let (fingerprint, numbers) = level.state(core, at);
                self.descend(
                    fingerprint,
                    numbers,
                    level.depth,
                    &level.transitions,
                    worker,
                );
            }
        }
    }

    fn descend(
        &self,
        fingerprint: u64,
        numbers: &[u32],
        depth: u32,
        transitions: &TransitionCache,
        worker: &mut Worker,
    ) {
        let mut depths = vec![depth];
        let mut stack = Block::default();
        stack.push(fingerprint, numbers);
        let mut count = 0_u32;
        while let Some(depth) = depths.pop() {
            let (fingerprint, numbers) = stack.pop(numbers.len());
            if depth >= self.bounds.steps {
                self.end(Limit::Steps);
                continue;
            }
            self.count(worker);
            if count.is_multiple_of(64) {
                if self.bytes() > self.bounds.memory {
                    self.end(Limit::Memory);
                }
                if self.is_over() {
                    return;
                }
            }
            let progress = &self.progress.depth;
            progress.fetch_max(depth.into(), Ordering::Relaxed);
            let Some(known) = self.with_room(worker) else {
                return;
            };
            let state = std::iter::once((fingerprint, &numbers[..]));
            self.expand_some(state, depth + 1, &known, transitions, worker);
            drop(known);
            depths.resize(depths.len() + worker.next.len(), depth + 1);
            stack.append(&mut worker.next);
            count += 1;
        }
        self.count(worker);
    }

    fn count(&self, worker: &mut Worker) {
        let progress = self.progress;
        progress
            .steps
            .fetch_add(std::mem::take(&mut worker.steps), Ordering::Relaxed);
        progress
            .endings
            .fetch_add(std::mem::take(&mut worker.endings), Ordering::Relaxed);
        let new = std::mem::take(&mut worker.states);
        self.visited.count(new as usize);
        let states = progress.states.fetch_add(new, Ordering::Relaxed) + new;
        if states > self.bounds.states {
            self.end(Limit::States);
        }
        if progress.is_stopped() {
            self.end(Limit::Stopped);
        }
    }

    fn note(&self, known: &Known<'_>, from: u64, task: Option<usize>, finding: Finding) {
        let mut schedule = known.path_to(from);
        schedule.extend(task.map(|task| task as u8));
        let schedule = Schedule(schedule);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let is_better = found.as_ref().is_none_or(|known| {
            (schedule.0.len(), &schedule) < (known.schedule.0.len(), &known.schedule)
        });
        if is_better {
            *found = Some(Found { schedule, finding });
        }
    }

    fn end(&self, limit: Limit) {
        let index = LIMITS.iter().position(|known| *known == Some(limit));
        let index = index.expect("every limit is listed");
        // The first one counts.
        let _ = self
            .limit
            .compare_exchange(0, index, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Something was found, or a bound was met.
    fn is_over(&self) -> bool {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.is_some() || self.limit.load(Ordering::Relaxed) != 0
    }
}
