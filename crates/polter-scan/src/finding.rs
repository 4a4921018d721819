//! What is wrong with a snapshot, as plain values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::evidence::Sureness;
use crate::snapshot::{Effort, Held, InTable, Name, Snapshot, Why};
use crate::source::Source;
use crate::spin::Spin;
use crate::unheeded::Busy;

/// Everything that was found, and what could not be seen.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where the snapshot comes from.
    pub source: Source,
    /// Processes looked at.
    pub processes: u64,
    /// Instances looked at.
    pub instances: u64,
    /// Registrations in them.
    pub registrations: u64,
    /// Processes that may not be looked at: what they hold is not known.
    pub refused: u64,
    /// Processes that ended meanwhile.
    pub vanished: u64,
    /// Rows of instances that could not be read.
    pub left_out_rows: u64,
    /// Numbers that may or may not name their file: the kernel was not asked, or did not say.
    pub unknown: u64,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// Who used a core while all were watched, and has no ghost; nobody was, if not asked for.
    pub busy: Vec<Busy>,
    /// Findings beyond the limit, counted and not kept.
    pub findings_left_out: u64,
    /// What it took.
    pub effort: Effort,
}

impl Report {
    pub(crate) fn new(snapshot: &Snapshot) -> Report {
        let unseen = |why| {
            let of_it = snapshot.unseen.iter().filter(|unseen| unseen.why == why);
            of_it.count() as u64
        };
        let instances = &snapshot.instances;
        Report {
            source: snapshot.source.clone(),
            processes: snapshot.processes.len() as u64,
            instances: instances.len() as u64,
            registrations: instances
                .iter()
                .map(|it| it.registrations.len() as u64)
                .sum(),
            refused: unseen(Why::Refused),
            vanished: unseen(Why::Vanished),
            left_out_rows: instances.iter().map(|it| it.left_out).sum(),
            unknown: 0,
            findings: Vec::new(),
            busy: Vec::new(),
            findings_left_out: 0,
            effort: snapshot.effort.clone(),
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What kind of fault.
    pub class: Class,
    /// A fault, or only something to know.
    pub severity: Severity,
    /// How sure it is that it is what its class says.
    pub sureness: Sureness,
    /// The process it hurts.
    pub pid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The number it is about: a registration's, or else an instance's.
    pub fd: i32,
    /// Which, of the registrations of that number.
    pub nth: u32,
    /// The instance, by all its names.
    pub instance: Vec<Name>,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// What speaks for it, or why it cannot be told; a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What the number means in each table that holds the instance.
    pub tables: Vec<InTable>,
    /// Who has the registration's file open.
    pub held_by: Vec<Held>,
    /// References to that file that are no number; not known from `/proc`.
    pub nameless: Option<u64>,
    /// Which of these are no processes but threads that have a table of their own, and of which
    /// process each is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<u32, u32>,
    /// How to mend it, in one sentence.
    pub fix: String,
    /// What the process did while it was watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spin: Option<Spin>,
}

/// The kinds of fault a snapshot shows, spelled as the judge spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A registration outlives its number in a forked process's copy.
    ForkGhost,
    /// A registration outlives its number in a duplicate.
    DupGhost,
    /// A registration outlives its number in the process it came from.
    HandedOverGhost,
    /// A registration outlives its number where nobody in sight has the file open.
    InFlightGhost,
    /// Two registrations of one number, one of them a ghost.
    NumberReuse,
    /// A registration that every wait reports, and nobody acts on.
    UnheededEvent,
    /// A registration of one process's number in an instance that others hold, who cannot name it.
    ForeignEntry,
    /// A signalfd in an instance that several processes hold.
    DeafSignalfd,
    /// An instance reached a program that did not make it.
    LeakedEpoll,
    /// An instance in several processes' tables.
    SharedEpoll,
    /// One file registered under ever more numbers.
    DupPile,
}

impl Class {
    /// Every class, the worst first.
    pub const ALL: [Class; 11] = [
        Class::ForkGhost,
        Class::DupGhost,
        Class::HandedOverGhost,
        Class::InFlightGhost,
        Class::NumberReuse,
        Class::UnheededEvent,
        Class::ForeignEntry,
        Class::DeafSignalfd,
        Class::LeakedEpoll,
        Class::SharedEpoll,
        Class::DupPile,
    ];

    /// The name, as `--fail-on` and JSON spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Class::ForkGhost => "fork-ghost",
            Class::DupGhost => "dup-ghost",
            Class::HandedOverGhost => "handed-over-ghost",
            Class::InFlightGhost => "in-flight-ghost",
            Class::NumberReuse => "number-reuse",
            Class::UnheededEvent => "unheeded-event",
            Class::ForeignEntry => "foreign-entry",
            Class::DeafSignalfd => "deaf-signalfd",
            Class::LeakedEpoll => "leaked-epoll",
            Class::SharedEpoll => "shared-epoll",
            Class::DupPile => "dup-pile",
        }
    }

    /// True for the four ghosts.
    pub const fn is_ghost(self) -> bool {
        matches!(
            self,
            Class::ForkGhost | Class::DupGhost | Class::HandedOverGhost | Class::InFlightGhost
        )
    }

    pub(crate) const fn severity(self) -> Severity {
        match self {
            Class::SharedEpoll | Class::DupPile => Severity::Note,
            _ => Severity::Fault,
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It does harm, or will.
    Fault,
    /// It may be meant so.
    Note,
}
