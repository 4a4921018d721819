//! The values of a removal: what is asked for, what is planned, and what came of it.

use std::time::Duration;

use serde::Serialize;

use crate::snapshot::{Held, Name, Sureness, Threads};

/// Which ghosts to remove, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Only ghosts of this fd.
    pub fd: Option<i32>,
    /// Also treat as ghosts the registrations that are stale in this process's table, though
    /// another holder can still name the file.
    ///
    /// Every holder of the instance loses them, so `fd` must be given too.
    pub in_table: Option<u32>,
    /// Also remove likely ghosts that the process does not spin on.
    pub likely: bool,
    /// This machine is slow, as an emulated one is: the last question before a removal may take a
    /// millisecond instead of 50 microseconds, and what it says may be older by as much.
    pub slow: bool,
    /// How long the processes are watched that can name a likely ghost: none may come to a CPU.
    pub window: Duration,
    /// Make the plan, and do not carry it out.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            fd: None,
            in_table: None,
            likely: false,
            slow: false,
            window: Duration::from_secs(1),
            dry_run: false,
        }
    }
}

/// The ghosts of one process's instances, and what is to be done about each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The process whose instances were searched; its own copies of them are used to remove.
    pub pid: u32,
    /// One step for each ghost of its instances.
    pub steps: Vec<Step>,
    /// How many processes may not be read: one of them may share an instance, unknown to polter.
    pub refused: u64,
    #[serde(skip)]
    pub(super) options: Options,
    #[serde(skip)]
    pub(super) start_time: u64,
}

/// One ghost, and what is to be done about it or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The instance, by all its names.
    pub instance: Vec<Name>,
    /// When the processes that hold it started, in the order of the names; `None` if the kernel was seen to give
    /// them the instance a moment ago.
    #[serde(skip)]
    pub(super) start_times: Vec<Option<u64>>,
    /// How many registrations the instance has.
    #[serde(skip)]
    pub(super) among: u64,
    /// The fd that the ghost was registered under, and DEL must name again.
    pub fd: i32,
    /// Which one it is of the registrations of that fd.
    #[serde(rename = "nth")]
    pub occurrence: u32,
    /// The events it waits for.
    pub events: u32,
    /// The data that the program gave with it.
    pub data: u64,
    /// Who has the file open.
    pub held_by: Vec<Held>,
    /// The only table that counts; `None`: every table that holds the instance.
    pub in_table: Option<u32>,
    /// The processes that can name the file, and will hear of its events no more.
    pub loses: Vec<u32>,
    /// How sure it is that it is a ghost.
    pub sureness: Sureness,
    /// Why it is believed, or why that is open; a sentence each.
    pub reasons: Vec<String>,
    /// The processes that can name it and do not wait on the instance: their tables do not count.
    #[serde(skip)]
    pub(super) excused: Vec<Excused>,
    /// What came of it, or is planned.
    pub outcome: Outcome,
}

/// A process that can name a likely ghost's file, and sleeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excused {
    pub(super) pid: u32,
    /// What its threads had done when the plan was made. If that has changed, it has run since.
    pub(super) threads: Option<Threads>,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Nothing yet: the ghost can be removed.
    Planned,
    /// The ghost was removed.
    Removed,
    /// The registration was gone already.
    Gone,
    /// The fd names its file again, so the registration is no ghost, and was left alone.
    Live,
    /// The fd came to name its file again during the removal, and the registration was put back.
    PutBack,
    /// The ghost is still there.
    Kept {
        /// Why it could not be removed.
        reason: String,
        /// What a person can do instead: a privilege to grant, a process to name, a restart.
        way_out: String,
    },
}

impl Plan {
    /// True if both plans are about one process, and not about two that had the same pid.
    pub fn is_of_same_process(&self, other: &Plan) -> bool {
        (self.pid, self.start_time) == (other.pid, other.start_time)
    }

    /// How many steps have this outcome.
    pub fn count(&self, outcome: &Outcome) -> usize {
        let same = |step: &&Step| step.outcome == *outcome;
        self.steps.iter().filter(same).count()
    }

    /// True if a ghost is still there.
    pub fn has_kept(&self) -> bool {
        self.steps.iter().any(|step| step.outcome.is_kept())
    }
}

impl Step {
    /// The step without its reasons, whose figures differ at every look.
    pub fn without_reasons(&self) -> Step {
        Step {
            reasons: Vec::new(),
            excused: Vec::new(),
            ..self.clone()
        }
    }

    /// True if this is the same registration, as far as can be told from outside.
    pub(super) fn is_same_ghost(&self, other: &Step) -> bool {
        let is_shared = |name: &Name| other.instance.contains(name);
        (self.fd, self.data) == (other.fd, other.data)
            && self.loses == other.loses
            && self.instance.iter().any(is_shared)
    }
}

impl Outcome {
    /// True if the ghost is still there, for a reason that is known.
    pub fn is_kept(&self) -> bool {
        matches!(self, Outcome::Kept { .. })
    }

    /// A ghost that is still there.
    pub(super) fn kept(reason: impl Into<String>, way_out: impl Into<String>) -> Outcome {
        Outcome::Kept {
            reason: reason.into(),
            way_out: way_out.into(),
        }
    }
}
