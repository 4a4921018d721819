//! What came of many random programs.

use super::differ::{ProgramRun, Verdict};
use super::generate::Program;
use super::shape::Shape;
use polter_live::ExecutorError;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What came of many random programs.
#[derive(Debug, Clone, Default)]
pub struct RandomReport {
    /// How much was run, by shape.
    pub by_shape: BTreeMap<Shape, Tally>,
    /// Programs without a verdict, by the reason.
    pub open: BTreeMap<String, u64>,
    /// The programs that differed, shrunk.
    pub found: Vec<Found>,
    /// How long it took.
    pub elapsed: Duration,
}

/// How much was run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Programs that were run.
    pub programs: u64,
    /// Calls of these, as far as they were run.
    pub calls: u64,
    /// Programs in which some call waited.
    pub waiting: u64,
    /// Programs of two processes or more.
    pub processes: u64,
    /// Programs in which some instance watched another.
    pub nested: u64,
}

/// A program that differs.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its index among the programs of the seed.
    pub index: u64,
    /// The shape it was made in.
    pub shape: Shape,
    /// The smallest part of it that still differs.
    pub program: Program,
    /// That part as a script, with both answers.
    pub script: String,
    /// In how many of [`Found::REPEATS`] runs it differed.
    pub steady: u32,
}

impl Found {
    /// How often the smallest program is run again.
    pub const REPEATS: u32 = 5;
}

impl RandomReport {
    /// The counts of all shapes, added up.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.by_shape.values() {
            total.programs += tally.programs;
            total.calls += tally.calls;
            total.waiting += tally.waiting;
            total.processes += tally.processes;
            total.nested += tally.nested;
        }
        total
    }

    /// Programs a second, over the whole run.
    pub fn rate(&self) -> f64 {
        self.total().programs as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub(super) fn count(&mut self, shape: Shape, run: &ProgramRun) {
        let tally = self.by_shape.entry(shape).or_default();
        tally.programs += 1;
        tally.calls += run.scenes.len() as u64;
        if run.has_waited {
            tally.waiting += 1;
        }
        if run.has_processes {
            tally.processes += 1;
        }
        if run.has_nesting {
            tally.nested += 1;
        }
        if let Verdict::Open(error) = &run.verdict {
            *self.open.entry(reason(error)).or_default() += 1;
        }
    }
}

/// The reason without what is peculiar to one program.
fn reason(error: &ExecutorError) -> String {
    match error {
        ExecutorError::UnknownErrno { number, .. } => {
            format!("an answer the vocabulary has no name for: error {number}")
        }
        ExecutorError::TooSlow { .. } => "a task neither done nor asleep in time".to_string(),
        ExecutorError::NoSuchTask(_) => "a task the running kernel does not have".to_string(),
        ExecutorError::InACall(_) => "a task still in a call on the running kernel".to_string(),
        ExecutorError::NumberTaken(_) => "a number still taken on the running kernel".to_string(),
        error => error.to_string(),
    }
}

impl fmt::Display for RandomReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:>9} {:>11} {:>9} {:>9} {:>9}",
            "shape", "programs", "calls", "waiting", "processes", "nested"
        )?;
        let rows = self
            .by_shape
            .iter()
            .map(|(shape, tally)| (shape.name(), *tally));
        for (name, tally) in rows.chain([("all", self.total())]) {
            let Tally {
                programs,
                calls,
                waiting,
                processes,
                nested,
            } = tally;
            writeln!(
                f,
                "{name:<10} {programs:>9} {calls:>11} {waiting:>9} {processes:>9} {nested:>9}"
            )?;
        }
        for (reason, count) in &self.open {
            writeln!(f, "{count} without a verdict: {reason}")?;
        }
        let seconds = self.elapsed.as_secs_f64();
        let (rate, count) = (self.rate(), self.found.len());
        writeln!(
            f,
            "{seconds:.1} s, {rate:.0} programs a second; {count} differ"
        )?;
        for found in &self.found {
            let (steady, repeats) = (found.steady, Found::REPEATS);
            write!(
                f,
                "\n{}# differs {steady} of {repeats} times\n",
                found.script
            )?;
        }
        Ok(())
    }
}
