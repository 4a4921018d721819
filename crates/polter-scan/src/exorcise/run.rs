//! Makes a plan, rechecks it, and carries it out.

use super::carry_out::carry_out;
use super::choose::steps;
use super::plan::{Options, Outcome, Plan};
use super::remove::{FRESH, FRESH_WHEN_SLOW};
use crate::error::ScanError;
use crate::proc::Proc;
use crate::proc::stat::Stat;
use crate::request::Scope;
use crate::snapshot::{Snapshot, Unseen, Why};

/// Removes the ghosts of a process's instances.
pub fn exorcise(proc: &Proc, pid: u32, options: &Options) -> Result<Plan, ScanError> {
    let mut plan = Plan::make(proc, pid, options)?;
    if !options.dry_run {
        plan.carry_out()?;
    }
    Ok(plan)
}

impl Plan {
    /// Scans the instances of `pid` for ghosts, and for registrations that only look like one.
    pub fn make(proc: &Proc, pid: u32, options: &Options) -> Result<Plan, ScanError> {
        let mut snapshot = Snapshot::take(proc, &Scope::Pids(vec![pid]))?;
        snapshot.gather_evidence(proc, options.window);
        let holds = |pid| snapshot.instances.iter().any(|it| it.pids().contains(&pid));
        if let Some(other) = options.in_table.filter(|other| !holds(*other)) {
            return Err(ScanError::HoldsNone { pid, other });
        }
        let is_refused = |unseen: &&Unseen| unseen.why == Why::Refused;
        Ok(Plan {
            pid,
            steps: steps(&snapshot, pid, options),
            refused: snapshot.unseen.iter().filter(is_refused).count() as u64,
            options: *options,
            start_time: snapshot.processes.get(&pid).map_or(0, |it| it.start_time),
        })
    }

    /// Scans again, because time has passed since the plan was made. A step stays planned if the
    /// same ghost is still there, as it is now. Ghosts that came up since are not added: nobody
    /// agreed to their removal.
    pub fn recheck(&mut self, proc: &Proc) -> Result<(), ScanError> {
        let now = Plan::make(proc, self.pid, &self.options)?;
        for step in &mut self.steps {
            if step.outcome == Outcome::Planned {
                let same = now.steps.iter().find(|other| step.is_same_ghost(other));
                match same.filter(|_| self.start_time == now.start_time) {
                    Some(same) => *step = same.clone(),
                    None => step.outcome = Outcome::Gone,
                }
            }
        }
        Ok(())
    }

    /// Removes the ghosts that are planned; each step's outcome says what came of it.
    pub fn carry_out(&mut self) -> Result<(), ScanError> {
        let fresh = if self.options.slow {
            FRESH_WHEN_SLOW
        } else {
            FRESH
        };
        carry_out(&mut self.steps, fresh)
    }

    /// True if the process has ended, or begun to. Then ghosts may have vanished from the last scan
    /// for that reason alone.
    pub fn has_process_ended(&self, proc: &Proc) -> bool {
        let is_on_its_way = |tid: &u32| {
            let stat = proc.bytes(self.pid, &format!("task/{tid}/stat")).ok();
            let stat = stat.and_then(|text| Stat::parse(&text));
            stat.is_none_or(|stat| stat.is_exiting)
        };
        let threads = proc.threads(self.pid).unwrap_or_default();
        threads.iter().all(is_on_its_way)
    }
}
