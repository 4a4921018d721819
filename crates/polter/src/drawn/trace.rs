//! The trace for Perfetto: a group for each instance, a track for each fd in it.

use std::collections::BTreeMap;

use polter_judge::{Finding, FindingLives, Followed, Instance, MarkKind, RegistrationOf, Verdict};
use polter_page::{Trace, TraceGroup, TraceInstant, TraceSlice, TraceTrack};

use super::clock::Clock;
use super::names::process_name;
use crate::report::frames;
use crate::report::sentences::describe_instance;
use crate::report::words::number;

/// Most reports that become instants.
const REPORTS: usize = 200_000;

/// An instance, so that instances sort by where they were made; and an fd in it.
type Key = (Option<u64>, u32, i32);

/// The trace of a log.
pub(super) fn trace(verdict: &Verdict, followed: &Followed) -> Trace {
    let clock = Clock::of(followed);
    let mut tracks: BTreeMap<Key, (String, BTreeMap<i32, TraceTrack>)> = BTreeMap::new();
    let mut track_fn =
        |instance: &Instance, fd: i32, change_fn: &mut dyn FnMut(&mut TraceTrack)| {
            let key = (instance.line, instance.pid, instance.fd);
            let (_, of_instance) = tracks
                .entry(key)
                .or_insert_with(|| (describe_instance(instance, 0), BTreeMap::new()));
            let track = of_instance.entry(fd).or_insert_with(|| TraceTrack {
                name: format!("fd {fd}"),
                ..TraceTrack::default()
            });
            change_fn(track);
        };
    for it in &followed.registrations {
        track_fn(&it.instance, it.registration.fd, &mut |track| {
            track.slices.push(slice(it, &clock, followed));
        });
    }
    let mut left = REPORTS;
    for ((at, finding), lives) in verdict.findings.iter().enumerate().zip(&followed.findings) {
        track_fn(&finding.instance, finding.fd, &mut |track| {
            let flow = at as u64 + 1;
            track
                .instants
                .extend(instants(finding, lives, flow, &clock, &mut left));
        });
    }
    let instances = tracks.into_values().map(|(name, tracks)| TraceGroup {
        name,
        tracks: tracks.into_values().collect(),
    });
    Trace {
        groups: instances.chain([processes(followed, &clock)]).collect(),
    }
}

/// A registration's life, and the part of it in which it was a ghost.
fn slice(it: &RegistrationOf, clock: &Clock, followed: &Followed) -> TraceSlice {
    let life = it.registration.life;
    let end = |to: Option<u64>| to.unwrap_or(followed.lines);
    let notes = vec![("registered by".to_owned(), process_name(it.pid, followed))];
    let slice = |from: Option<u64>, to, name: &str| TraceSlice {
        from: clock.at(from.unwrap_or(1)),
        to: clock.at(end(to)),
        name: name.to_owned(),
        notes: notes.clone(),
        parts: Vec::new(),
    };
    let ghost = it.registration.ghost;
    let ghost = ghost.map(|ghost| slice(ghost.from, ghost.to.or(life.to), "ghost"));
    TraceSlice {
        parts: ghost.into_iter().collect(),
        ..slice(life.from, life.to, "registration")
    }
}

/// The steps of a finding's story, and the reports; a flow goes through the steps and the first report.
fn instants(
    finding: &Finding,
    lives: &FindingLives,
    flow: u64,
    clock: &Clock,
    left: &mut usize,
) -> Vec<TraceInstant> {
    let last = finding.story.len().saturating_sub(1);
    let steps = finding.story.iter().enumerate().map(|(at, step)| {
        let mut notes = vec![
            ("line".to_owned(), number(step.site.line)),
            ("task".to_owned(), step.site.pid.to_string()),
            ("call".to_owned(), step.site.text.clone()),
        ];
        let stack = frames::shown(&step.site.stack).into_iter().enumerate();
        notes.extend(stack.map(|(at, frame)| (format!("stack {at}"), frame.clone())));
        TraceInstant {
            at: clock.at(step.site.line),
            name: format!("{}: {}", finding.class.name(), step.what),
            notes,
            flow: Some(flow),
            is_end: at == last,
        }
    });
    let mut instants: Vec<TraceInstant> = steps.collect();
    for series in lives
        .series
        .iter()
        .filter(|series| series.kind == MarkKind::Report)
    {
        let mut texts = series.texts.iter().peekable();
        let mut text = None;
        for line in series.marks.lines.iter().take(*left) {
            while let Some((_, next)) = texts.next_if(|(from, _)| from <= line) {
                text = Some(next);
            }
            let call = text.map(|text| ("call".to_owned(), text.clone()));
            let line_note = ("line".to_owned(), number(*line));
            instants.push(TraceInstant {
                at: clock.at(*line),
                name: "report".to_owned(),
                notes: [line_note].into_iter().chain(call).collect(),
                ..TraceInstant::default()
            });
        }
        *left -= series.marks.lines.len().min(*left);
    }
    instants
}

/// How long the processes lived.
fn processes(followed: &Followed, clock: &Clock) -> TraceGroup {
    let tracks = followed.processes.iter().map(|process| {
        let name = process_name(process.pid, followed);
        let slice = TraceSlice {
            from: clock.at(process.life.from.unwrap_or(1)),
            to: clock.at(process.life.to.unwrap_or(followed.lines)),
            name: name.clone(),
            notes: vec![("calls".to_owned(), number(process.calls.count))],
            parts: Vec::new(),
        };
        TraceTrack {
            name,
            slices: vec![slice],
            instants: Vec::new(),
        }
    });
    TraceGroup {
        name: "processes".to_owned(),
        tracks: tracks.collect(),
    }
}
