//! Findings while programs run: a line each, for people or for programs.
//!
//! ```text
//! 2026-11-29T18:31:02Z fork-ghost worker (1016), fd 4: fd 4 was closed without …; fix: EPOLL_CTL_DEL 4 before … #1
//! 2026-11-29T18:31:09Z fork-ghost worker (1016), fd 4: 1,000 events by now #1
//! 2026-11-29T18:32:00Z fork-ghost worker (1016), fd 4: over, after 1,024 events #1
//! ```

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use humantime::{format_rfc3339_micros, format_rfc3339_seconds};
use polter_judge::{
    Class, Finding, Gap, Instance, KeptBy, LogTime, News, Severity, Site, Standing, Step, Verdict,
};
use polter_why::Place;
use serde::Serialize;

use super::json::write_line;
use super::text::style::{ASIDE, FAULT, NOTE};
use super::words::{clean, counted, number};
#[cfg(feature = "bpf")]
use crate::watch::Exorcism;
use crate::watch::{Machine, Tally};
#[cfg(feature = "bpf")]
use polter_scan::Outcome;
#[cfg(feature = "bpf")]
use polter_trace::escape;

/// The schema of a finding's object. Its number changes when readers must be changed.
pub(super) const FINDING: &str = "polter.finding/1";

/// The schema of the last object.
const SUM: &str = "polter.watch/1";

/// News, with all that is known beside them.
pub(crate) struct Told<'a> {
    pub(crate) news: &'a News,
    /// When the finding came to light.
    pub(crate) time: SystemTime,
    pub(crate) comm: Option<&'a str>,
    pub(crate) machine: &'a Machine,
}

/// The sum of a watch.
pub(crate) struct Sum<'a> {
    pub(crate) time: SystemTime,
    pub(crate) seconds: u64,
    pub(crate) tally: &'a Tally,
    /// Findings that were not shown to people.
    pub(crate) hidden: u64,
    pub(crate) verdict: &'a Verdict,
    pub(crate) machine: &'a Machine,
}

/// What the news are, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Event {
    Suspected,
    Found,
    Changed,
    Ended,
    Withdrawn,
}

impl Told<'_> {
    fn event(&self) -> Event {
        match self.news.standing {
            Standing::Withdrawn => Event::Withdrawn,
            Standing::Suspected => Event::Suspected,
            Standing::Found if self.news.is_first => Event::Found,
            Standing::Found if self.news.finding.ended.is_some() => Event::Ended,
            Standing::Found => Event::Changed,
        }
    }
}

/// A time of the log, if a calendar has it.
pub(crate) fn dated(time: Option<LogTime>) -> Option<SystemTime> {
    /// The end of the year 9999: beyond it, a stamp is none.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = time.map(LogTime::since_1970);
    let since = since.filter(|since| *since <= LAST)?;
    Some(SystemTime::UNIX_EPOCH + since)
}

/// Writes a line for people.
pub(crate) fn write_text(out: &mut dyn Write, told: &Told<'_>) -> io::Result<()> {
    let News { id, finding, .. } = told.news;
    let style = match finding.severity {
        Severity::Fault => FAULT,
        Severity::Note => NOTE,
    };
    let time = format_rfc3339_seconds(now_or(told));
    let (class, fd) = (finding.class.name(), finding.fd);
    let who = match told.comm {
        Some(comm) => format!("{} ({})", clean(comm), finding.pid),
        None => format!("process {}", finding.pid),
    };
    let what = what(told);
    writeln!(
        out,
        "{ASIDE}{time}{ASIDE:#} {style}{class}{style:#} {who}, fd {fd}: {what} {ASIDE}#{id}{ASIDE:#}"
    )
}

/// Says how many findings of a kind were not shown.
pub(crate) fn write_hidden(
    out: &mut dyn Write,
    class: Class,
    name: &str,
    count: u64,
) -> io::Result<()> {
    let time = format_rfc3339_seconds(SystemTime::now());
    let (class, name, count) = (class.name(), clean(name), number(count));
    writeln!(
        out,
        "{ASIDE}{time}{ASIDE:#} {class} {name}: {count} more like these, not shown"
    )
}

/// A change happens when it is told; only the finding itself has a time of its own.
fn now_or(told: &Told<'_>) -> SystemTime {
    if told.news.is_first {
        told.time
    } else {
        SystemTime::now()
    }
}

fn what(told: &Told<'_>) -> String {
    let finding = &told.news.finding;
    let events = counted(finding.events, "event");
    let text = match told.event() {
        Event::Found => format!("{}; fix: {}", finding.summary, finding.fix),
        Event::Suspected => format!("perhaps: {}; fix: {}", finding.summary, finding.fix),
        Event::Withdrawn => "taken back: it is no finding of its own".to_owned(),
        Event::Ended if finding.events > 0 => format!("over, after {events}"),
        Event::Ended => "over, and no event came of it".to_owned(),
        Event::Changed => {
            let last = finding.story.last().map_or("", |step| &step.what);
            let mut parts = vec![format!("by now {last}")];
            if finding.events > 0 {
                parts = vec![format!("{events} by now")];
            }
            if finding.repeated > 0 {
                parts.push(format!("{} more of the same", number(finding.repeated)));
            }
            parts.join(", ")
        }
    };
    clean(&text)
}

/// The object for a finding; docs/json.md describes it.
#[derive(Serialize)]
struct FindingDocument<'a> {
    schema: &'a str,
    source: &'a str,
    id: u64,
    event: Event,
    time: String,
    #[serde(flatten)]
    machine: &'a Machine,
    pid: u32,
    comm: Option<&'a str>,
    #[serde(flatten)]
    place: &'a Place,
    class: &'a str,
    severity: Severity,
    fd: i32,
    instance: &'a Instance,
    summary: &'a str,
    fix: &'a str,
    holders: &'a [KeptBy],
    events: u64,
    repeated: u64,
    ended: Option<u64>,
    story: Vec<StepDocument<'a>>,
}

/// A step, with its time if the log has dates.
#[derive(Serialize)]
struct StepDocument<'a> {
    what: &'a str,
    time: Option<String>,
    site: &'a Site,
}

impl StepDocument<'_> {
    fn of(step: &Step) -> StepDocument<'_> {
        StepDocument {
            what: &step.what,
            time: dated(step.site.time).map(|time| format_rfc3339_micros(time).to_string()),
            site: &step.site,
        }
    }
}

/// Writes an object for programs.
pub(crate) fn write_json(out: &mut dyn Write, told: &Told<'_>, place: &Place) -> io::Result<()> {
    let finding: &Finding = &told.news.finding;
    let document = FindingDocument {
        schema: FINDING,
        source: "watch",
        id: told.news.id,
        event: told.event(),
        time: format_rfc3339_micros(now_or(told)).to_string(),
        machine: told.machine,
        pid: finding.pid,
        comm: told.comm,
        place,
        class: finding.class.name(),
        severity: finding.severity,
        fd: finding.fd,
        instance: &finding.instance,
        summary: &finding.summary,
        fix: &finding.fix,
        holders: &finding.holders,
        events: finding.events,
        repeated: finding.repeated,
        ended: finding.ended,
        story: finding.story.iter().map(StepDocument::of).collect(),
    };
    write_line(out, &document)
}

/// Writes the sum for people, on one line.
pub(crate) fn write_text_sum(out: &mut dyn Write, sum: &Sum<'_>) -> io::Result<()> {
    let (log, tally) = (&sum.verdict.log, sum.tally);
    let time = format_rfc3339_seconds(sum.time);
    let mut parts = vec![
        counted(tally.findings, "finding"),
        counted(tally.faults, "fault"),
        counted(log.lines, "line"),
        counted(log.tasks, "task"),
        counted(sum.seconds, "second"),
    ];
    for (count, what) in [
        (tally.withdrawn, "taken back"),
        (sum.hidden, "not shown"),
        (tally.left_out, "left out"),
        (log.unread_lines, "not read"),
        (tally.lost_events, "events lost"),
        (tally.removed, "ghosts removed"),
        (tally.kept, "ghosts kept"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", number(count)));
        }
    }
    if let Some(micros) = tally.median_took() {
        parts.push(format!(
            "median {:.2} ms after the close",
            f64::from(micros) / 1000.0
        ));
    }
    let sum = parts.join(", ");
    writeln!(out, "{ASIDE}{time}{ASIDE:#} watched: {sum}")
}

/// Writes what came of a ghost that was to be removed, for people.
#[cfg(feature = "bpf")]
pub(crate) fn write_exorcism(
    out: &mut dyn Write,
    it: &Exorcism,
    comm: Option<&str>,
) -> io::Result<()> {
    let time = format_rfc3339_seconds(SystemTime::now());
    let comm = escape(comm.unwrap_or("?").as_bytes());
    let (pid, fd) = (it.pid, it.fd);
    let millis = it.took.as_secs_f64() * 1000.0;
    write!(out, "{ASIDE}{time}{ASIDE:#} ")?;
    match &it.outcome {
        Outcome::Removed => writeln!(
            out,
            "removed {comm} ({pid}), fd {fd}: {millis:.2} ms after it was closed"
        ),
        Outcome::Kept { reason, way_out } => {
            let (reason, way_out) = (escape(reason.as_bytes()), escape(way_out.as_bytes()));
            writeln!(out, "kept {comm} ({pid}), fd {fd}: {reason}; {way_out}")
        }
        Outcome::Live | Outcome::PutBack => {
            writeln!(out, "left {comm} ({pid}), fd {fd}: it names its file again")
        }
        Outcome::Gone | Outcome::Planned => writeln!(
            out,
            "gone {comm} ({pid}), fd {fd}: nobody has its file or its instance"
        ),
    }
}

/// The same as an object.
#[cfg(feature = "bpf")]
#[derive(Serialize)]
struct ExorcismDocument<'a> {
    schema: &'a str,
    time: String,
    #[serde(flatten)]
    machine: &'a Machine,
    pid: u32,
    comm: Option<&'a str>,
    fd: i32,
    #[serde(flatten)]
    outcome: &'a Outcome,
    micros: u64,
}

/// Writes what came of a ghost that was to be removed, for programs.
#[cfg(feature = "bpf")]
pub(crate) fn write_json_exorcism(
    out: &mut dyn Write,
    it: &Exorcism,
    comm: Option<&str>,
    machine: &Machine,
) -> io::Result<()> {
    let document = ExorcismDocument {
        schema: "polter.removal/1",
        time: format_rfc3339_micros(SystemTime::now()).to_string(),
        machine,
        pid: it.pid,
        comm,
        fd: it.fd,
        outcome: &it.outcome,
        micros: it.took.as_micros() as u64,
    };
    write_line(out, &document)
}

/// The last object of a watch.
#[derive(Serialize)]
struct SumDocument<'a> {
    schema: &'a str,
    source: &'a str,
    time: String,
    #[serde(flatten)]
    machine: &'a Machine,
    seconds: u64,
    lines: u64,
    unread_lines: u64,
    tasks: u64,
    #[serde(flatten)]
    tally: &'a Tally,
    warning_count: u64,
    gaps: &'a [Gap],
    is_whole: bool,
}

/// Writes the sum for programs.
pub(crate) fn write_json_sum(out: &mut dyn Write, sum: &Sum<'_>) -> io::Result<()> {
    let log = &sum.verdict.log;
    let document = SumDocument {
        schema: SUM,
        source: "watch",
        time: format_rfc3339_micros(sum.time).to_string(),
        machine: sum.machine,
        seconds: sum.seconds,
        lines: log.lines,
        unread_lines: log.unread_lines,
        tasks: log.tasks,
        tally: sum.tally,
        warning_count: log.warning_count,
        gaps: &sum.verdict.gaps,
        is_whole: sum.verdict.gaps.is_empty()
            && log.warning_count + log.unread_lines + sum.tally.lost_events == 0,
    };
    write_line(out, &document)
}
