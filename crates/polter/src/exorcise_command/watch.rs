//! `--watch`: scans again and again, removes the ghosts that come up, and ends with a sum.
//!
//! A plan that is the same as at the last scan is not reported again: neither ghosts that cannot be
//! removed, nor those that the user chose to keep.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use polter_scan::{Outcome, Plan, Proc, ScanError, Step};

use super::once::{exit, make, tell};
use super::sum::Sum;
use super::user::{User, ask, is_yes};
use crate::cli::{ExorciseArgs, Format};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{json, text};

/// Watches until the user or the process ends it; the exit code is the last scan's.
pub(super) fn watch(args: &ExorciseArgs, console: &Console) -> Result<Exit, Failure> {
    if !args.yes && !args.dry_run && !io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    let mut watch = Watch {
        args,
        console,
        user: User::new()?,
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
    user: User,
    /// The steps of the last scan, as far as they are left.
    told: Vec<Step>,
    sum: Sum,
}

impl Watch<'_> {
    fn go_on(&mut self, first: Plan) -> Result<Exit, Failure> {
        let pause = Duration::from_millis(self.args.watch.unwrap_or_default());
        let mut plan = first;
        loop {
            let is_stopped = self.treat(&mut plan)?;
            if is_stopped || self.user.stops_within(pause) {
                return Ok(exit(&plan));
            }
            match make(self.args) {
                // A process that ends takes its ghosts along: such a scan must not count them as
                // removed.
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

    /// Reports what is new, and removes what may be removed; true if the user stops the watch.
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
                match self.user.answer() {
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

    /// True if there is something to remove, and the user has agreed beforehand.
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
