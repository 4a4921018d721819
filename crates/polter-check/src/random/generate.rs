//! Random programs, written call by call with a model beside them, so that
//! most of what they do means something.

use super::model_run::{FIRST, ModelRun, makes_task};
use super::rng::Rng;
use super::shape::{Family, Shape};
use super::vocabulary::Scene;
use eventpoll::{Outcome, Pid, Policy, Syscall, Version};

/// A program of several tasks: calls in the order in which they are made.
///
/// Any part of a program is a program: a step whose task is not there, or
/// waits, is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Program {
    /// The calls, in the order in which they are made.
    pub steps: Vec<Act>,
}

/// One call of a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Act {
    /// The task that makes it.
    pub pid: Pid,
    /// The call, with all its arguments.
    pub call: Syscall,
    /// The number for the task it makes, if it makes one.
    pub child: Option<Pid>,
}

/// The most tasks that live at a time.
const TASKS: usize = 6;
/// The fewest calls of a program.
const SHORTEST: usize = 8;

/// Writes the program of a seed, of up to `max_calls` calls.
pub fn generate(seed: u64, shape: Shape, max_calls: usize) -> Program {
    let mut author = Author {
        rng: Rng::new(seed),
        shape,
        model_run: ModelRun::new(Policy::LAST_FPUT, Version::default()),
        known: vec![FIRST],
        program: Program::default(),
    };
    author.write(max_calls);
    author.program
}

struct Author {
    rng: Rng,
    shape: Shape,
    model_run: ModelRun,
    /// Every number that a task was given.
    known: Vec<Pid>,
    program: Program,
}

impl Author {
    fn write(&mut self, max_calls: usize) {
        let longest = max_calls.max(SHORTEST + 1) - SHORTEST;
        let length = SHORTEST + self.rng.below(longest);
        let company = self.shape.company();
        let mut births = (0..2).filter(|_| self.rng.chance(company)).count();
        // What cannot be run is not counted, yet not tried for ever.
        for _ in 0..4 * length {
            let able = self.model_run.able();
            if self.program.steps.len() >= length || able.is_empty() {
                break;
            }
            let pid = self.rng.pick(&able);
            let has_begun = self.program.steps.len() >= 3;
            let call = match births {
                0 => self.invent(pid, None),
                _ if has_begun => {
                    births -= 1;
                    self.invent(pid, Some(Family::Birth))
                }
                _ => self.invent(pid, None),
            };
            self.run_program(pid, call);
        }
    }

    fn invent(&mut self, pid: Pid, family: Option<Family>) -> Syscall {
        let families = self.shape.families();
        let family = family.unwrap_or_else(|| self.rng.weigh(&families));
        let tid = self
            .model_run
            .kernel()
            .tid(pid)
            .expect("an able task lives");
        Scene {
            rng: &mut self.rng,
            model_run: &self.model_run,
            shape: self.shape,
            tid,
            known: &self.known,
        }
        .invent(family)
    }

    /// Keeps a call, unless it must be avoided or leaves nobody to go on.
    fn run_program(&mut self, pid: Pid, call: Syscall) {
        let is_birth = makes_task(&call);
        let is_crowded = is_birth && self.model_run.kernel().tasks().count() >= TASKS;
        if is_crowded || self.model_run.admits(pid, &call).is_err() {
            return;
        }
        let child = is_birth.then(|| Pid(FIRST.0 + self.known.len() as i32));
        let mut next = self.model_run.clone();
        let effect = next.perform(pid, &call, child);
        let is_end = next.able().is_empty();
        let is_sleep = effect.outcome == Outcome::Blocked;
        if is_end || is_sleep && !self.rng.chance(self.shape.blocking()) {
            return;
        }
        self.model_run = next;
        self.known.extend(child);
        self.program.steps.push(Act { pid, call, child });
    }
}
