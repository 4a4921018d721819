//! JSON lines for many machines: an object a finding, and a last one that says what was seen.
//!
//! `scan`, `judge` and `why` write the same keys as `watch` does, so that one table takes all of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::SystemTime;

use humantime::format_rfc3339_micros;
use polter_class::Severity;
use polter_judge::Verdict;
use polter_scan::{By, Report, Sureness};
use polter_why::{Answer, Place, State};
use serde::Serialize;

use super::json::write_line;
use super::live::{FINDING, dated};
use crate::watch::{Machine, Whose};

/// What every line begins with.
#[derive(Serialize)]
struct Head<'a> {
    schema: &'a str,
    /// Which verb has found it.
    source: &'a str,
    time: String,
    #[serde(flatten)]
    machine: &'a Machine,
}

impl<'a> Head<'a> {
    fn new(schema: &'a str, source: &'a str, time: SystemTime, machine: &'a Machine) -> Head<'a> {
        Head {
            schema,
            source,
            time: format_rfc3339_micros(time).to_string(),
            machine,
        }
    }
}

/// A finding; docs/json.md describes it.
#[derive(Serialize)]
struct Found<'a> {
    event: &'a str,
    pid: u32,
    comm: Option<&'a str>,
    class: &'a str,
    severity: Severity,
    /// Null where what happened is in a log.
    sureness: Option<Sureness>,
    fd: Option<i32>,
    summary: &'a str,
    fix: &'a str,
    /// Events reported through a ghost; null where nobody counted.
    events: Option<u64>,
}

#[derive(Serialize)]
struct FoundLine<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    found: Found<'a>,
    #[serde(flatten)]
    place: &'a Place,
}

/// The last line: without it, nobody knows whether no finding means that there is none.
#[derive(Serialize)]
struct SeenLine<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    findings: u64,
    /// Whether all that was asked about was seen.
    is_whole: bool,
    /// How much was not seen, by what it is.
    unseen: BTreeMap<&'a str, u64>,
}

/// Writes lines of one verb, on one machine.
struct Lines<'a> {
    out: &'a mut dyn Write,
    source: &'static str,
    whose: Whose,
    /// Where processes are, if they are this machine's and live.
    places: BTreeMap<u32, Place>,
    now: SystemTime,
    findings: u64,
}

impl<'a> Lines<'a> {
    fn new(out: &'a mut dyn Write, source: &'static str, is_here: bool) -> Lines<'a> {
        Lines {
            out,
            source,
            whose: Whose::new(is_here),
            places: BTreeMap::new(),
            now: SystemTime::now(),
            findings: 0,
        }
    }

    fn finding(&mut self, time: SystemTime, found: Found<'_>) -> io::Result<()> {
        self.findings += 1;
        let place = self.places.entry(found.pid);
        let line = FoundLine {
            head: Head::new(FINDING, self.source, time, &self.whose.machine),
            place: place.or_insert_with(|| self.whose.place(found.pid)),
            found,
        };
        write_line(self.out, &line)
    }

    fn end(self, schema: &str, unseen: BTreeMap<&str, u64>) -> io::Result<()> {
        let line = SeenLine {
            head: Head::new(schema, self.source, self.now, &self.whose.machine),
            findings: self.findings,
            is_whole: unseen.values().all(|count| *count == 0),
            unseen,
        };
        write_line(self.out, &line)
    }
}

/// Writes a scan's findings.
pub(crate) fn write_scan(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut lines = Lines::new(out, "scan", report.source.by != By::Capture);
    for finding in &report.findings {
        let now = lines.now;
        lines.finding(
            now,
            Found {
                event: "found",
                pid: finding.pid,
                comm: Some(&finding.comm),
                class: finding.class.name(),
                severity: finding.severity,
                sureness: Some(finding.sureness),
                fd: Some(finding.fd),
                summary: &finding.summary,
                fix: &finding.fix,
                events: None,
            },
        )?;
    }
    let unseen = BTreeMap::from([
        ("processes", report.refused),
        ("registrations", report.untold()),
        ("findings", report.findings_left_out),
    ]);
    lines.end("polter.scan/1", unseen)
}

/// Writes a log's findings.
pub(crate) fn write_verdict(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    let mut lines = Lines::new(out, "judge", false);
    for finding in &verdict.findings {
        let first = finding.story.first().and_then(|step| dated(step.site.time));
        let now = lines.now;
        lines.finding(
            first.unwrap_or(now),
            Found {
                event: "found",
                pid: finding.pid,
                comm: None,
                class: finding.class.name(),
                severity: finding.severity,
                sureness: None,
                fd: Some(finding.fd),
                summary: &finding.summary,
                fix: &finding.fix,
                events: Some(finding.events),
            },
        )?;
    }
    let unseen = BTreeMap::from([
        ("gaps", verdict.gaps.len() as u64),
        (
            "lines",
            verdict.log.warning_count.max(verdict.log.unread_lines),
        ),
        ("findings", verdict.findings_left_out),
    ]);
    lines.end("polter.judge/1", unseen)
}

/// Writes why processes spin or are deaf.
pub(crate) fn write_answer(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let mut lines = Lines::new(out, "why", true);
    let mut blind = 0;
    for told in &answer.processes {
        blind += u64::from(!told.unseen.is_empty());
        for cause in &told.causes {
            let does_harm = matches!(told.state, State::Spins | State::Deaf);
            let now = lines.now;
            lines.finding(
                now,
                Found {
                    event: "found",
                    pid: told.facts.pid,
                    comm: Some(&told.facts.comm),
                    class: cause.class.name(),
                    severity: if does_harm {
                        Severity::Fault
                    } else {
                        Severity::Note
                    },
                    sureness: Some(cause.sureness),
                    fd: cause.fd,
                    summary: &cause.summary,
                    fix: &cause.fix,
                    events: None,
                },
            )?;
        }
    }
    let unseen = BTreeMap::from([
        ("processes", answer.left_out + blind),
        ("registrations", answer.untold),
    ]);
    lines.end("polter.why/1", unseen)
}
