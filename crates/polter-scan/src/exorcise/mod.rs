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

mod act;

use serde::Serialize;

use crate::error::ScanError;
use crate::look::Scope;
use crate::proc::Proc;
use crate::snapshot::{Held, Instance, Kind, Meaning, Name, Registration, Snapshot};

/// What to remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Only ghosts of this number.
    pub fd: Option<i32>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What is to be removed, and how that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The process.
    pub pid: u32,
    /// Each ghost of its instances.
    pub steps: Vec<Step>,
}

/// One ghost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The instance, by all its names.
    pub instance: Vec<Name>,
    /// When the processes that hold it started, in the order of the names.
    #[serde(skip)]
    start_times: Vec<u64>,
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
    /// What came of it, or is to come.
    pub outcome: Outcome,
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
    let mut plan = Plan::make(proc, pid, options.fd)?;
    if !options.dry_run {
        plan.carry_out()?;
    }
    Ok(plan)
}

impl Plan {
    /// Looks for the ghosts in the instances of `pid`, those of number `fd` only if one is given.
    pub fn make(proc: &Proc, pid: u32, fd: Option<i32>) -> Result<Plan, ScanError> {
        let snapshot = Snapshot::take(proc, &Scope::Pids(vec![pid]))?;
        let mut plan = Plan {
            pid,
            steps: Vec::new(),
        };
        for instance in &snapshot.instances {
            for registration in &instance.registrations {
                let is_asked = fd.is_none_or(|fd| fd == registration.fd);
                let is_named = fd.is_some() && !registration.is_plain();
                if is_asked && (registration.is_ghost() || is_named) {
                    plan.steps.push(step(&snapshot, instance, registration));
                }
            }
        }
        Ok(plan)
    }

    /// Removes what can be; each step's outcome says what came of it.
    pub fn carry_out(&mut self) -> Result<(), ScanError> {
        act::carry_out(&mut self.steps)
    }

    /// How many steps came out so.
    pub fn count(&self, outcome: &Outcome) -> usize {
        let same = |step: &&Step| step.outcome == *outcome;
        self.steps.iter().filter(same).count()
    }

    /// True if a ghost is there still.
    pub fn has_kept(&self) -> bool {
        let is_kept = |step: &Step| matches!(step.outcome, Outcome::Kept { .. });
        self.steps.iter().any(is_kept)
    }
}

impl Outcome {
    fn kept(reason: impl Into<String>, way_out: impl Into<String>) -> Outcome {
        Outcome::Kept {
            reason: reason.into(),
            way_out: way_out.into(),
        }
    }
}

fn step(snapshot: &Snapshot, instance: &Instance, registration: &Registration) -> Step {
    let start_time = |name: &Name| {
        let process = snapshot.processes.get(&name.pid);
        process.map_or(0, |process| process.start_time)
    };
    Step {
        instance: instance.names.clone(),
        start_times: instance.names.iter().map(start_time).collect(),
        fd: registration.fd,
        nth: registration.nth,
        events: registration.events,
        data: registration.data,
        held_by: registration.held_by.clone(),
        outcome: plan(instance, registration),
    }
}

/// What is to be done about a registration whose number does not name its file everywhere.
fn plan(instance: &Instance, registration: &Registration) -> Outcome {
    if !instance.is_certain {
        return Outcome::kept(
            "it is not certain who holds the instance: kcmp(2) is not permitted",
            "run as root, or with CAP_SYS_PTRACE",
        );
    }
    if let Some(table) = registration
        .tables
        .iter()
        .find(|table| table.meaning == Meaning::Same)
    {
        return Outcome::kept(
            format!(
                "it is live: its number names its file in process {}",
                table.pid
            ),
            format!("have process {} remove it, or end that process", table.pid),
        );
    }
    if !registration.is_ghost() {
        return Outcome::kept(
            "whether its number names its file could not be told",
            "run as root, or with CAP_SYS_PTRACE",
        );
    }
    if registration.held_by.is_empty() {
        let what = match registration.kind {
            Some(Kind::Socket) => "socket",
            _ => "file",
        };
        return Outcome::kept(
            format!(
                "no process in sight has its {what} open: it is in a message, in an io_uring, or with a \
                 process that may not be looked at"
            ),
            "have the message received or the socket it waits in closed; as root all processes are in \
             sight; else restart the process",
        );
    }
    Outcome::Planned
}
