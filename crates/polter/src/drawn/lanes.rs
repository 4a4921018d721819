//! Timelines: a lane for each process, fd, file and registration of a finding, and one of the whole log.

use polter_judge::{
    Class, Finding, FindingLives, Followed, KeptBy, MarkKind, Marks, Severity, Span, Verdict,
};
use polter_page::{Bar, BarKind, Lane, Series, SeriesKind, Timeline};

use super::names::{life_of, name_of, step};
use crate::report::sentences::describe_holder;
use crate::report::words::{counted, number};

/// Most processes of a finding that have a lane.
const PROCESSES: usize = 16;
/// Most fds of a process that have a lane.
const FDS: usize = 12;
/// Most findings that have a lane in the timeline of the whole log.
const FINDINGS: usize = 16;

/// A stretch of the log that is drawn.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: u64,
    to: u64,
}

impl Window {
    fn bar(self, span: Span, kind: BarKind, what: &str) -> Bar {
        let from = match span.from {
            Some(line) => format!("from line {}", number(line)),
            None => "from before".to_owned(),
        };
        let to = match span.to {
            Some(line) => format!("to line {}", number(line)),
            None => "to the end".to_owned(),
        };
        Bar {
            from: span.from.unwrap_or(self.from).clamp(self.from, self.to),
            to: span.to.unwrap_or(self.to).clamp(self.from, self.to),
            kind,
            label: format!("{what} {from} {to}"),
            link: None,
        }
    }
}

/// The timeline of a finding; nothing if the log does not show what it is about.
pub(super) fn of_finding(
    finding: &Finding,
    lives: &FindingLives,
    followed: &Followed,
) -> Option<Timeline> {
    let window = window_of(finding, lives, followed)?;
    let pids = pids_of(finding, lives);
    let mut lanes = Vec::new();
    for pid in pids.iter().take(PROCESSES) {
        lanes.push(process_lane(*pid, finding, lives, followed, window));
        lanes.extend(fd_lanes(*pid, lives, window));
    }
    lanes.extend(file_lane(lives, window));
    lanes.extend(other_holders(lives, window));
    let (registrations, bands) = registration_lanes(finding, lives, window);
    lanes.extend(registrations);
    Some(Timeline {
        label: format!(
            "{} of process {}: lines {} to {}",
            finding.class.name().replace('-', " "),
            finding.pid,
            number(window.from),
            number(window.to)
        ),
        from: window.from,
        to: window.to,
        lanes,
        bands,
    })
}

/// From shortly before the file was made to shortly after the last mark; to the end, if the finding lasts.
fn window_of(finding: &Finding, lives: &FindingLives, followed: &Followed) -> Option<Window> {
    let story = finding.story.iter().map(|step| step.site.line);
    let made = lives.file.as_ref().and_then(|file| file.life.from);
    let from = story
        .clone()
        .chain(made)
        .chain(finding.instance.line)
        .min()?;
    let marks = lives
        .series
        .iter()
        .filter_map(|series| series.marks.lines.last());
    let last = story.chain(finding.ended).chain(marks.copied()).max()?;
    let lasts = finding.severity == Severity::Fault && finding.ended.is_none();
    let to = if lasts { followed.lines } else { last };
    let margin = (to.saturating_sub(from) / 25).max(1);
    Some(Window {
        from: from.saturating_sub(margin).max(1),
        to: to.saturating_add(margin).min(followed.lines.max(1)),
    })
}

/// The finding's own process first, the others as they come.
fn pids_of(finding: &Finding, lives: &FindingLives) -> Vec<u32> {
    let mut pids = vec![finding.pid];
    let steps = finding.story.iter().map(|step| step.site.pid);
    let holders = lives.holders.iter().filter_map(|holder| match holder.who {
        KeptBy::Fd { pid, .. } => Some(pid),
        _ => None,
    });
    let series = lives.series.iter().map(|series| series.pid);
    for pid in steps.chain(holders).chain(series) {
        if !pids.contains(&pid) {
            pids.push(pid);
        }
    }
    pids
}

fn process_lane(
    pid: u32,
    finding: &Finding,
    lives: &FindingLives,
    followed: &Followed,
    window: Window,
) -> Lane {
    let life = life_of(pid, followed);
    let bar = life.map(|process| window.bar(process.life, BarKind::Process, "lives"));
    let of_pid = lives.series.iter().filter(|series| series.pid == pid);
    let series = of_pid.map(|series| {
        let texts = series.texts.clone();
        match series.kind {
            MarkKind::Call => marks(&series.marks, SeriesKind::Call, "call", texts),
            MarkKind::Report => marks(&series.marks, SeriesKind::Report, "report", texts),
        }
    });
    let steps = finding.story.iter().filter(|step| step.site.pid == pid);
    Lane {
        label: format!("process {pid}"),
        detail: name_of(pid, followed).unwrap_or_default().to_owned(),
        pid: Some(pid),
        bars: bar.into_iter().collect(),
        series: series.collect(),
        steps: steps.map(step).collect(),
        ..Lane::default()
    }
}

fn marks(marks: &Marks, kind: SeriesKind, noun: &str, texts: Vec<(u64, String)>) -> Series {
    Series {
        kind,
        noun: noun.to_owned(),
        every: marks.every,
        count: marks.count,
        lines: marks.lines.clone(),
        texts,
    }
}

/// The fds by which a process had the file.
fn fd_lanes(pid: u32, lives: &FindingLives, window: Window) -> Vec<Lane> {
    let mut lanes: Vec<(i32, Lane)> = Vec::new();
    for holder in &lives.holders {
        let KeptBy::Fd { pid: of, fd } = holder.who else {
            continue;
        };
        if of != pid {
            continue;
        }
        let bar = window.bar(holder.life, BarKind::Fd, &format!("fd {fd} names the file"));
        match lanes.iter_mut().find(|(known, _)| *known == fd) {
            Some((_, lane)) => lane.bars.push(bar),
            None => lanes.push((
                fd,
                Lane {
                    label: format!("fd {fd}"),
                    is_part: true,
                    pid: Some(pid),
                    bars: vec![bar],
                    ..Lane::default()
                },
            )),
        }
    }
    lanes.into_iter().take(FDS).map(|(_, lane)| lane).collect()
}

fn file_lane(lives: &FindingLives, window: Window) -> Option<Lane> {
    let file = lives.file.as_ref()?;
    Some(Lane {
        label: "the file".to_owned(),
        detail: file.what.clone().unwrap_or_default(),
        bars: vec![window.bar(file.life, BarKind::File, "open")],
        ..Lane::default()
    })
}

/// Messages, rings, and whoever else keeps the file without an fd.
fn other_holders(lives: &FindingLives, window: Window) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for holder in &lives.holders {
        if matches!(holder.who, KeptBy::Fd { .. }) {
            continue;
        }
        let label = describe_holder(&holder.who);
        let bar = window.bar(holder.life, BarKind::Fd, &label);
        match lanes.iter_mut().find(|lane| lane.label == label) {
            Some(lane) => lane.bars.push(bar),
            None => lanes.push(Lane {
                label,
                is_part: true,
                bars: vec![bar],
                ..Lane::default()
            }),
        }
    }
    lanes
}

/// The registrations, and the stretches in which they were ghosts.
fn registration_lanes(
    finding: &Finding,
    lives: &FindingLives,
    window: Window,
) -> (Vec<Lane>, Vec<(u64, u64)>) {
    let mut bands = Vec::new();
    let instance = match finding.instance.fd {
        0.. => format!("in instance {}", finding.instance.fd),
        _ => "in an instance".to_owned(),
    };
    let lanes = lives.registrations.iter().map(|registration| {
        let mut life = registration.life;
        let mut ghost = registration.ghost;
        // In the model it ended with the last close that the log shows. That it is reported shows that it did not.
        if finding.class == Class::UnseenGhost {
            ghost = Some(Span {
                from: life.to,
                to: finding.ended,
            });
            life.to = finding.ended;
        }
        let before = Span {
            from: life.from,
            to: ghost.map_or(life.to, |ghost| ghost.from),
        };
        let mut bars = vec![window.bar(before, BarKind::Registration, "registered")];
        if let Some(ghost) = ghost {
            let bar = window.bar(ghost, BarKind::Ghost, "a ghost");
            bands.push((bar.from, bar.to));
            bars.push(bar);
            if let Some(end) = ghost.to.filter(|end| life.to != Some(*end)) {
                let after = Span {
                    from: Some(end),
                    to: life.to,
                };
                bars.push(window.bar(after, BarKind::Registration, "no ghost any more"));
            }
        }
        Lane {
            label: format!("registration of fd {}", registration.fd),
            detail: instance.clone(),
            bars,
            ..Lane::default()
        }
    });
    (lanes.collect(), bands)
}

/// The whole log: a lane for each process, and one for each of the first findings.
pub(super) fn overview(verdict: &Verdict, followed: &Followed) -> Timeline {
    let window = Window {
        from: 1,
        to: followed.lines.max(1),
    };
    let findings = verdict.findings.iter().enumerate().take(FINDINGS);
    let mut lanes: Vec<Lane> = findings
        .map(|(at, finding)| finding_lane(at, finding, followed, window))
        .collect();
    let processes = followed.processes.iter().map(|process| Lane {
        label: format!("process {}", process.pid),
        detail: process.name.clone().unwrap_or_default(),
        pid: Some(process.pid),
        bars: vec![window.bar(process.life, BarKind::Process, "lives")],
        series: vec![marks(&process.calls, SeriesKind::Call, "call", Vec::new())],
        ..Lane::default()
    });
    lanes.extend(processes);
    if followed.others.count > 0 {
        lanes.push(Lane {
            label: counted(followed.other_tasks, "other process"),
            series: vec![marks(
                &followed.others,
                SeriesKind::Call,
                "call",
                Vec::new(),
            )],
            ..Lane::default()
        });
    }
    Timeline {
        label: format!("the whole log: lines 1 to {}", number(window.to)),
        from: window.from,
        to: window.to,
        lanes,
        bands: Vec::new(),
    }
}

fn finding_lane(at: usize, finding: &Finding, followed: &Followed, window: Window) -> Lane {
    let lives = followed.findings.get(at);
    let mut registrations = lives.iter().flat_map(|lives| &lives.registrations);
    let ghost = registrations.find_map(|registration| registration.ghost);
    let story = || finding.story.iter().map(|step| step.site.line);
    let kind = match ghost {
        Some(_) => BarKind::Ghost,
        None => BarKind::Finding,
    };
    let span = ghost.unwrap_or(Span {
        from: story().min(),
        to: finding.ended.or_else(|| story().max()),
    });
    let class = finding.class.name().replace('-', " ");
    let mut bar = window.bar(span, kind, &class);
    bar.link = Some(format!("f{}", at + 1));
    Lane {
        label: format!("{} {class}", at + 1),
        detail: format!("process {}", finding.pid),
        pid: Some(finding.pid),
        bars: vec![bar],
        ..Lane::default()
    }
}
