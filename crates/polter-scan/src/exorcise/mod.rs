//! Removing a live process's ghosts, without stopping it.
//!
//! A registration's key is (file, number), and whoever has the instance and the
//! file may remove it, once the file has that number *in his own table*:
//!
//! ```text
//!   target's table        holder's table        a thread's own, empty table
//!     3 ── instance ─────────────────────────────▶ copy (pidfd_getfd)
//!     4    closed           4 ── file ───────────▶ copy ──dup3──▶ 4
//!                                                  epoll_ctl(copy, DEL, 4)
//! ```
//!
//! What is live is never touched: a number that names its file in any table
//! that holds the instance is left alone, looked at just before and just after.
//! Between the two looks the program may bring the file back to its number and use the
//! registration again; then it is put back as it was.
//!
//! A likely ghost is one that somebody else can name too, who sleeps in something else and has
//! not run while it was watched. It goes if the process spins on it, or if that is asked for;
//! whoever can name it must not have run since, before and after: else it is put back.
//!
//! One table may be asked about alone (`in_table`): a forked child that keeps both the
//! instance and the file makes its parent's ghost look like an entry of its own. Then
//! all lose it, and the plan says who.

mod act;
mod choose;
mod copies;

use std::time::Duration;

use serde::Serialize;

use crate::error::ScanError;
use crate::evidence::{Sureness, Threads};
use crate::proc::Proc;
use crate::scope::Scope;
use crate::snapshot::{Held, Name, Snapshot, Why};
use crate::stat::Stat;

/// What to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Only ghosts of this number.
    pub fd: Option<i32>,
    /// What is a ghost in this process's table, whoever else can name its file.
    ///
    /// Takes the registrations from all who hold the instance, and so asks for `fd`.
    pub in_table: Option<u32>,
    /// What is likely a ghost, too, though the process does not spin on it.
    pub likely: bool,
    /// How long those are watched who can name a likely ghost: nobody may come to a CPU.
    pub window: Duration,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            fd: None,
            in_table: None,
            likely: false,
            window: Duration::from_secs(1),
            dry_run: false,
        }
    }
}

/// What is to be removed, and how that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The process.
    pub pid: u32,
    /// Each ghost of its instances.
    pub steps: Vec<Step>,
    /// Processes that may not be looked at: if one shares an instance, nobody knows.
    pub refused: u64,
    #[serde(skip)]
    options: Options,
    #[serde(skip)]
    start_time: u64,
}

/// One ghost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The instance, by all its names.
    pub instance: Vec<Name>,
    /// When the processes that hold it started, in the order of the names.
    #[serde(skip)]
    start_times: Vec<u64>,
    /// How many registrations the instance has.
    #[serde(skip)]
    among: u64,
    /// The ghost's number.
    pub fd: i32,
    /// Which, of the registrations of that number.
    pub nth: u32,
    /// What is waited for.
    pub events: u32,
    /// What the program gave with it.
    pub data: u64,
    /// Who has the file.
    pub held_by: Vec<Held>,
    /// The only table whose number counts; none: every table that holds the instance.
    pub in_table: Option<u32>,
    /// Who can name the file and hears of it no more.
    pub loses: Vec<u32>,
    /// How sure it is that it is a ghost.
    pub sureness: Sureness,
    /// What speaks for it, or why that is open; a sentence each.
    pub reasons: Vec<String>,
    /// Those who can name it and do not wait: their tables do not count.
    #[serde(skip)]
    excused: Vec<Excused>,
    /// What came of it, or is to come.
    pub outcome: Outcome,
}

/// Who can name a file, and sleeps.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excused {
    pid: u32,
    /// What its threads had done when they were last looked at.
    threads: Option<Threads>,
}

/// What came of a ghost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It can be removed.
    Planned,
    /// It was removed.
    Removed,
    /// It was not there any more.
    Gone,
    /// The number names its file again: it is none any more, and was left alone.
    Live,
    /// The number came to name its file again while it was removed: it was put back.
    PutBack,
    /// It is there still.
    Kept {
        /// Why.
        reason: String,
        /// What may help.
        way_out: String,
    },
}

/// Removes the ghosts of a process's instances.
pub fn exorcise(proc: &Proc, pid: u32, options: &Options) -> Result<Plan, ScanError> {
    let mut plan = Plan::make(proc, pid, options)?;
    if !options.dry_run {
        plan.carry_out()?;
    }
    Ok(plan)
}

impl Plan {
    /// Looks for the ghosts in the instances of `pid`, and for what only looks like one.
    pub fn make(proc: &Proc, pid: u32, options: &Options) -> Result<Plan, ScanError> {
        let mut snapshot = Snapshot::take(proc, &Scope::Pids(vec![pid]))?;
        snapshot.gather_evidence(proc, options.window);
        let holds = |pid| snapshot.instances.iter().any(|it| it.pids().contains(&pid));
        if let Some(other) = options.in_table.filter(|other| !holds(*other)) {
            return Err(ScanError::HoldsNone { pid, other });
        }
        let is_refused = |unseen: &&crate::Unseen| unseen.why == Why::Refused;
        Ok(Plan {
            pid,
            steps: choose::steps(&snapshot, pid, options),
            refused: snapshot.unseen.iter().filter(is_refused).count() as u64,
            options: *options,
            start_time: snapshot.processes.get(&pid).map_or(0, |it| it.start_time),
        })
    }

    /// Looks anew, for time has passed: what was planned and is to be removed
    /// still is planned as things are now, and nothing else is.
    pub fn look_again(&mut self, proc: &Proc) -> Result<(), ScanError> {
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

    /// Removes what can be; each step's outcome says what came of it.
    pub fn carry_out(&mut self) -> Result<(), ScanError> {
        act::carry_out(&mut self.steps)
    }

    /// True if both are about one process, and not about two of one number.
    pub fn is_of_same_process(&self, other: &Plan) -> bool {
        (self.pid, self.start_time) == (other.pid, other.start_time)
    }

    /// True if the process has ended, or begun to: what a look before does not show may be
    /// gone for that alone.
    pub fn has_process_ended(&self, proc: &Proc) -> bool {
        let is_on_its_way = |tid: &u32| {
            let stat = proc.bytes(self.pid, &format!("task/{tid}/stat")).ok();
            let stat = stat.and_then(|text| Stat::parse(&text));
            stat.is_none_or(|stat| stat.is_exiting)
        };
        let threads = proc.threads(self.pid).unwrap_or_default();
        threads.iter().all(is_on_its_way)
    }

    /// How many steps came out so.
    pub fn count(&self, outcome: &Outcome) -> usize {
        let same = |step: &&Step| step.outcome == *outcome;
        self.steps.iter().filter(same).count()
    }

    /// True if a ghost is there still.
    pub fn has_kept(&self) -> bool {
        self.steps.iter().any(|step| step.outcome.is_kept())
    }
}

impl Step {
    /// The same without the figures, which are others at every look.
    pub fn without_reasons(&self) -> Step {
        Step {
            reasons: Vec::new(),
            excused: Vec::new(),
            ..self.clone()
        }
    }

    /// True if this is the same registration, as far as can be told from outside.
    fn is_same_ghost(&self, other: &Step) -> bool {
        let is_shared = |name: &Name| other.instance.contains(name);
        (self.fd, self.data) == (other.fd, other.data)
            && self.loses == other.loses
            && self.instance.iter().any(is_shared)
    }
}

impl Outcome {
    /// True if the ghost is there still, and why is known.
    pub fn is_kept(&self) -> bool {
        matches!(self, Outcome::Kept { .. })
    }

    fn kept(reason: impl Into<String>, way_out: impl Into<String>) -> Outcome {
        Outcome::Kept {
            reason: reason.into(),
            way_out: way_out.into(),
        }
    }
}
