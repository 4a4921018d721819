//! A policy against the running kernel: every program, shortest first, on both.

use crate::act::Act;
use crate::options::Options;
use crate::program::{Performed, run_program};
use crate::search::{Explored, explore};
use crate::vocabulary::Vocabulary;
use crate::worlds::FIRST_PID;
use eventpoll::{Outcome, Pid, Policy, Syscall};
use polter_check::{Backend, Running, agree};
use polter_live::ExecutorError;

/// What came of the programs.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// Of each length, from 1 on: the programs that were run.
    pub programs: Vec<u64>,
    /// The calls that were made on the kernel.
    pub calls: u64,
    /// The programs that the kernel answered otherwise.
    pub differ: u64,
    /// The first of them, all of one length.
    pub shown: Vec<Disagreement>,
    /// The limit was reached before the last length was done.
    pub is_cut: bool,
}

/// A program that the kernel answers otherwise than the policy.
#[derive(Debug, Clone)]
pub struct Disagreement {
    /// The program, with the policy's answers.
    pub performed: Vec<Performed>,
    /// What the kernel answered to the last of them.
    pub kernel: Outcome,
}

/// The disagreements that are kept.
const SHOWN: usize = 16;

/// Runs every program up to a length on the running kernel, each state's calls only once, and
/// stops after the length with the first difference, or after so many programs. Of one length,
/// those that policies answer differently come first; if the kernel differs in one of them, the
/// others are left.
///
/// Errors: those of the executor, where this kernel runs no scripts.
pub fn try_kernel(
    policy: Policy,
    vocabulary: &Vocabulary,
    options: &Options,
    max_programs: u64,
    mut seen_fn: impl FnMut(&Trial),
) -> Result<Trial, ExecutorError> {
    let explored = explore(vocabulary, options);
    let mut kernel = Running::start(FIRST_PID)?;
    let mut trial = Trial::default();
    for level in 0..explored.levels() {
        trial.programs.push(0);
        if trial.run_level(
            policy,
            &explored,
            level,
            &mut kernel,
            max_programs,
            &mut seen_fn,
        )? {
            trial.is_cut = true;
            break;
        }
        if trial.differ > 0 {
            break;
        }
    }
    Ok(trial)
}

impl Trial {
    /// All programs that were run.
    pub fn total(&self) -> u64 {
        self.programs.iter().sum()
    }

    /// True if the limit was reached.
    fn run_level(
        &mut self,
        policy: Policy,
        explored: &Explored<'_>,
        level: usize,
        kernel: &mut Running,
        max_programs: u64,
        seen_fn: &mut impl FnMut(&Trial),
    ) -> Result<bool, ExecutorError> {
        for programs in explored.programs(level) {
            for program in programs {
                if self.total() >= max_programs {
                    return Ok(true);
                }
                self.programs[level] += 1;
                self.run(policy, &program, kernel)?;
                seen_fn(self);
            }
            if self.differ > 0 {
                break;
            }
        }
        Ok(false)
    }

    fn run(
        &mut self,
        policy: Policy,
        program: &[Act],
        kernel: &mut Running,
    ) -> Result<(), ExecutorError> {
        let mut performed = run_program(policy, program).unwrap_or_default();
        kernel.restart(FIRST_PID)?;
        for at in 0..performed.len() {
            let line = &performed[at];
            self.calls += 1;
            let answer = kernel.call(line.pid, &line.call, child(line))?;
            if !agree(&line.call, &line.outcome, &answer) {
                self.differ += 1;
                performed.truncate(at + 1);
                if self.shown.len() < SHOWN {
                    self.shown.push(Disagreement {
                        performed,
                        kernel: answer,
                    });
                }
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The number a call's child goes by, if it makes one.
fn child(line: &Performed) -> Option<Pid> {
    match (&line.call, &line.outcome) {
        (Syscall::Fork | Syscall::Clone { .. }, Outcome::Done(Ok(child))) => {
            Some(Pid(child.value as i32))
        }
        _ => None,
    }
}
