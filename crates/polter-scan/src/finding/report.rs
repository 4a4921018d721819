//! The report and its findings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::load::{Busy, Spin};
use crate::snapshot::{Effort, Held, InTable, Name, Snapshot, Source, Sureness, Why};
use polter_class::{Class, Severity};

/// All findings, and the gaps of the snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where the snapshot comes from.
    pub source: Source,
    /// How many processes were read.
    pub processes: u64,
    /// How many instances were read.
    pub instances: u64,
    /// How many registrations they had.
    pub registrations: u64,
    /// Processes that may not be read: nobody knows what they hold.
    pub refused: u64,
    /// Processes that ended meanwhile.
    pub vanished: u64,
    /// Rows of instances that could not be read.
    pub left_out_rows: u64,
    /// Registrations whose fd may or may not name its file: the kernel was not asked, or refused.
    pub unknown: u64,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// The processes without a ghost that used a core while all were watched; empty if nobody
    /// asked to watch.
    pub busy: Vec<Busy>,
    /// Findings beyond the limit, which were counted and dropped.
    pub findings_left_out: u64,
    /// The effort of the scan.
    pub effort: Effort,
}

impl Report {
    /// What the scan was asked about and could not tell: registrations whose fd may or may not name its file, and what
    /// could not be read or lay beyond a limit. A report with any is not clean.
    pub fn untold(&self) -> u64 {
        let effort = &self.effort;
        let beyond = effort.fds_left_out + effort.registrations_left_out;
        self.unknown + self.left_out_rows + effort.instances_left_out + beyond
    }

    /// A report that has the counts of a snapshot, and no findings yet.
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

/// One fault, or something to know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The kind of fault.
    pub class: Class,
    /// Whether it is a fault, or only something to know.
    pub severity: Severity,
    /// How sure it is that the class is right.
    pub sureness: Sureness,
    /// The process it hurts.
    pub pid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The fd it is about: a registration's, or else an instance's.
    pub fd: i32,
    /// Which one it is of the registrations of that fd.
    #[serde(rename = "nth")]
    pub occurrence: u32,
    /// The instance, by all its names.
    pub instance: Vec<Name>,
    /// The fault in one sentence.
    pub summary: String,
    /// Why it is believed, or why it cannot be told; a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What the fd means in each table that holds the instance.
    pub tables: Vec<InTable>,
    /// Who has the registration's file open.
    pub held_by: Vec<Held>,
    /// References to that file that are no fd; not known from `/proc`.
    pub nameless: Option<u64>,
    /// Those of the pids above that are threads with a table of their own, each with its process.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<u32, u32>,
    /// How to fix it, in one sentence.
    pub fix: String,
    /// The load of the process while it was watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spin: Option<Spin>,
}
