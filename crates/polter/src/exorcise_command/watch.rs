//! `--watch`: looks again and again, removes what comes up, and ends with a sum.
//!
//! What is as it was at the last look is not told again: neither what cannot be
//! removed, nor what the user chose to keep.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use polter_scan::{Outcome, Plan, Proc, ScanError, Step};
use serde::Serialize;

use super::ear::Ear;
use super::{ask, exit, is_yes, make, tell};
use crate::cli::{ExorciseArgs, Format};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{json, text};

/// What came of all looks.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sum {
    pub(crate) pid: u32,
    pub(crate) looks: u64,
    pub(crate) removed: u64,
    pub(crate) put_back: u64,
    pub(crate) kept: u64,
    pub(crate) has_process_ended: bool,
}

/// Exits as the last look does.
pub(super) fn watch(args: &ExorciseArgs, console: &Console) -> Result<Exit, Failure> {
    if !args.yes && !args.dry_run && !io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    let mut watch = Watch {
        args,
        console,
        ear: Ear::new()?,
        told: Vec::new(),
        sum: Sum {
            pid: args.pid,
            ..Sum::default()
        },
    };
    let exit = watch.go_on(make(args)?)?;
    watch.tell_sum()?;
    Ok(exit)
}

struct Watch<'a> {
    args: &'a ExorciseArgs,
    console: &'a Console,
    ear: Ear,
    /// What the last look showed and left.
    told: Vec<Step>,
    sum: Sum,
}

impl Watch<'_> {
    fn go_on(&mut self, first: Plan) -> Result<Exit, Failure> {
        let pause = Duration::from_millis(self.args.watch.unwrap_or_default());
        let mut plan = first;
        loop {
            let is_enough = self.treat(&mut plan)?;
            if is_enough || self.ear.hears_enough_within(pause) {
                return Ok(exit(&plan));
            }
            match make(self.args) {
                // A process that ends takes its ghosts along: that look says nothing of them.
                Ok(next)
                    if next.is_of_same_process(&plan) && !next.has_process_ended(&Proc::live()) =>
                {
                    plan = next;
                }
                Ok(_) => break,
                Err(Failure::Scan {
                    source: ScanError::NoSuchProcess(_) | ScanError::HoldsNone { .. },
                }) => break,
                Err(failure) => return Err(failure),
            }
        }
        self.sum.has_process_ended = true;
        Ok(Exit::Clean)
    }

    /// Tells what is new, and removes what may be removed; true if it is enough.
    fn treat(&mut self, plan: &mut Plan) -> Result<bool, Failure> {
        self.sum.looks += 1;
        let is_first = self.sum.looks == 1;
        let steps: Vec<Step> = plan.steps.iter().map(Step::without_reasons).collect();
        if steps == self.told && !is_first && !self.is_agreed(plan) {
            return Ok(false);
        }
        self.told = steps;
        let planned = plan.count(&Outcome::Planned);
        if planned > 0 && !self.args.dry_run {
            if !self.args.yes {
                self.tell(plan)?;
                ask(planned);
                match self.ear.answer() {
                    None => return Ok(true),
                    Some(answer) if !is_yes(&answer) => return Ok(false),
                    Some(_) => plan.recheck(&Proc::live())?,
                }
            }
            plan.carry_out()?;
            self.told.clear();
        }
        self.count(plan);
        if is_first || !plan.steps.is_empty() {
            self.tell(plan)?;
        }
        Ok(false)
    }

    /// True if there is something to remove, and nobody to be asked about it.
    fn is_agreed(&self, plan: &Plan) -> bool {
        self.args.yes && plan.count(&Outcome::Planned) > 0
    }

    fn count(&mut self, plan: &Plan) {
        let count = |outcome| plan.count(outcome) as u64;
        self.sum.removed += count(&Outcome::Removed);
        self.sum.put_back += count(&Outcome::PutBack);
        let kept = plan.steps.iter().filter(|step| step.outcome.is_kept());
        self.sum.kept = kept.count() as u64;
    }

    fn tell(&self, plan: &Plan) -> Result<(), Failure> {
        tell(plan, None, self.args, self.console)
    }

    fn tell_sum(&self) -> Result<(), Failure> {
        let mut out = self.console.out();
        match self.args.format {
            Format::Text => text::write_sum(&mut *out, &self.sum)?,
            Format::Json => json::write_sum(&mut *out, &self.sum)?,
        }
        Ok(out.flush()?)
    }
}
