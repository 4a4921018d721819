//! A scan, counted.

use std::collections::BTreeMap;
use std::time::Duration;

use polter_scan::{By, Finding, Proc, Report};
use polter_why::Place;

use crate::series::{Counts, Series};

/// What one scan has found, in numbers.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    pub(crate) findings: Counts,
    pub(crate) processes: u64,
    pub(crate) instances: u64,
    pub(crate) registrations: u64,
    /// Processes that could not be read: those that may not be, and those that ended meanwhile.
    pub(crate) unseen: [(&'static str, u64); 2],
    pub(crate) unknown: u64,
    pub(crate) took: Duration,
    pub(crate) way: &'static str,
}

impl Sample {
    /// Counts a report's findings by class and program, in at most so many series.
    pub fn of(report: &Report, proc: &Proc, took: Duration, most_series: usize) -> Sample {
        let mut counts: BTreeMap<Series, u64> = BTreeMap::new();
        let mut places: BTreeMap<u32, Place> = BTreeMap::new();
        for finding in &report.findings {
            let place = places
                .entry(finding.pid)
                .or_insert_with(|| place(proc, finding.pid));
            *counts.entry(series(finding, place)).or_default() += 1;
        }
        Sample {
            findings: Counts::of(counts, most_series),
            processes: report.processes,
            instances: report.instances,
            registrations: report.registrations,
            unseen: [("refused", report.refused), ("vanished", report.vanished)],
            unknown: report.untold() + report.findings_left_out,
            took,
            way: match report.source.by {
                By::Bpf => "bpf",
                By::Proc => "proc",
                By::Capture => "capture",
            },
        }
    }
}

fn series(finding: &Finding, place: &Place) -> Series {
    let names = [&place.unit, &place.container, &place.pod];
    let names = names.map(|it| it.as_deref().unwrap_or(""));
    Series::new(finding.class, finding.severity, &finding.comm, names)
}

fn place(proc: &Proc, pid: u32) -> Place {
    proc.bytes(pid, "cgroup").map_or_else(
        |_| Place::default(),
        |text| Place::of(&String::from_utf8_lossy(&text)),
    )
}
