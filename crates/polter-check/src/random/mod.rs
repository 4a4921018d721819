//! Random programs, on the model and on the running kernel, compared call by
//! call; what differs is shrunk and told as a script.
//!
//! ```text
//!   seed ─▶ generate ─▶ Program ─▶ differ ─▶ the same
//!             │ model_run: a model             │
//!             │ avoid: what is left out        └─▶ shrink ─▶ text: a script
//! ```

mod avoid;
mod differ;
mod generate;
mod kinds;
mod model_run;
mod report;
mod rng;
mod shape;
mod shrink;
mod text;
mod vocabulary;

pub use differ::{Disagreement, Ending, ProgramRun, Scene, Verdict, run_program};
pub use generate::{Act, Program, generate};
pub use report::{Found, RandomReport, Tally};
pub use shape::{Shape, UnknownShape};
pub use shrink::shrink;
pub use text::script;

use crate::backend::Running;
use eventpoll::Policy;
use model_run::FIRST;
use polter_live::ExecutorError;
use rng::seed_of;
use std::time::{Duration, Instant};

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many programs to run.
    pub count: u64,
    /// Where they come from: the same seed, the same programs.
    pub seed: u64,
    /// The index of the first: to run one again, or to go on.
    pub first: u64,
    /// The most calls of a program.
    pub max_calls: usize,
    /// The shapes, taken in turn.
    pub shapes: Vec<Shape>,
    /// The model's policy, which the running kernel is said to have.
    pub policy: Policy,
    /// No program is begun after so long.
    pub time_limit: Option<Duration>,
    /// No program is begun after so many differences.
    pub enough: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            count: 1000,
            seed: 1,
            first: 0,
            max_calls: 40,
            shapes: Shape::ALL.to_vec(),
            policy: Policy::default(),
            time_limit: None,
            enough: 5,
        }
    }
}

impl Options {
    /// The program of an index, with its shape.
    pub fn program(&self, index: u64) -> (Shape, Program) {
        let shape = self.shapes[index as usize % self.shapes.len()];
        let program = generate(seed_of(self.seed, index), shape, self.max_calls);
        (shape, program)
    }
}

/// Runs random programs on the model and on the running kernel.
///
/// `progress_fn` is told after each program. Errors: the running kernel
/// cannot be used at all; what a single program meets is counted.
pub fn check_random(
    options: &Options,
    mut progress_fn: impl FnMut(&RandomReport),
) -> Result<RandomReport, ExecutorError> {
    let started = Instant::now();
    let mut arena = Arena {
        policy: options.policy,
        running: None,
    };
    arena.fresh()?;
    let mut report = RandomReport::default();
    for index in options.first..options.first.saturating_add(options.count) {
        let is_late = options
            .time_limit
            .is_some_and(|limit| started.elapsed() > limit);
        if is_late || options.shapes.is_empty() || report.found.len() >= options.enough {
            break;
        }
        let (shape, program) = options.program(index);
        let run = arena.run_program(&program, Ending::Readiness)?;
        report.count(shape, &run);
        if let Verdict::Different(_) = run.verdict {
            let found = arena.look_into(index, shape, run)?;
            report.found.push(found);
        }
        report.elapsed = started.elapsed();
        progress_fn(&report);
    }
    report.elapsed = started.elapsed();
    Ok(report)
}

/// The running kernel, in a fresh world for each program.
struct Arena {
    policy: Policy,
    running: Option<Running>,
}

impl Arena {
    fn fresh(&mut self) -> Result<&mut Running, ExecutorError> {
        // An executor that fails here is given up for a new one.
        let mut running = self.running.take();
        if let Some(old) = &mut running
            && old.restart(FIRST).is_err()
        {
            running = None;
        }
        let running = match running {
            Some(running) => running,
            None => Running::start(FIRST)?,
        };
        Ok(self.running.insert(running))
    }

    fn run_program(
        &mut self,
        program: &Program,
        ending: Ending,
    ) -> Result<ProgramRun, ExecutorError> {
        let run = run_program(program, ending, self.policy, self.fresh()?);
        if let Verdict::Open(error) = &run.verdict
            && !is_harmless(error)
        {
            self.running = None;
        }
        Ok(run)
    }

    fn differs(&mut self, program: &Program) -> Option<ProgramRun> {
        let run = self.run_program(program, Ending::Plain).ok()?;
        matches!(run.verdict, Verdict::Different(_)).then_some(run)
    }

    /// Shrinks what differs, and sees whether it always does.
    fn look_into(
        &mut self,
        index: u64,
        shape: Shape,
        first: ProgramRun,
    ) -> Result<Found, ExecutorError> {
        let smallest = shrink(&first.program(), |program| self.differs(program).is_some());
        let mut steady = 0;
        let mut shown = first;
        for _ in 0..Found::REPEATS {
            if let Some(run) = self.differs(&smallest) {
                steady += 1;
                shown = run;
            }
        }
        let title =
            format!("Program {index} ({shape}): the model differs from the running kernel.");
        Ok(Found {
            index,
            shape,
            script: script(&title, &shown),
            program: smallest,
            steady,
        })
    }
}

/// The executor goes on after this error.
fn is_harmless(error: &ExecutorError) -> bool {
    matches!(
        error,
        ExecutorError::UnknownErrno { .. } | ExecutorError::NotAvailable(_)
    )
}
