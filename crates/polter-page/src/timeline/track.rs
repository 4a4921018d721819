//! A lane, drawn: bars, the density of marks, and the steps of the story. The whole log fits; a script zooms.

use super::scale::Scale;
use crate::model::{Bar, BarKind, Lane, Series, SeriesKind, Step, Timeline};
use crate::shown::{counted, name, number, text};
use maud::{Markup, html};

/// Into so many pieces the width is divided, to count marks.
const BUCKETS: usize = 180;
/// Marks are drawn in so many strengths.
const STRENGTHS: u32 = 5;

/// The height of a lane's track.
pub(super) fn height(lane: &Lane) -> u32 {
    if lane.is_part { 18 } else { 30 }
}

/// A lane's track.
pub(super) fn draw(timeline: &Timeline, lane: &Lane) -> Markup {
    let scale = Scale::new(timeline.from, timeline.to);
    let tall = height(lane);
    html! {
        svg.track role="img" width="100%" height=(tall) aria-label=(spoken(lane)) {
            @for (from, to) in &timeline.bands {
                rect.band x=(percent(scale.x(*from))) y="0" height=(tall) width=(width(scale, *from, *to)) {}
            }
            @for bar in &lane.bars { (draw_bar(scale, bar, tall)) }
            @for series in &lane.series { (draw_series(scale, series, tall)) }
            @for step in &lane.steps { (draw_step(scale, step, tall)) }
        }
    }
}

fn draw_bar(scale: Scale, bar: &Bar, tall: u32) -> Markup {
    let (thick, class) = shape(bar.kind);
    let rect = html! {
        rect class=(class) x=(percent(scale.x(bar.from))) y=((tall - thick) / 2) height=(thick)
            width=(width(scale, bar.from, bar.to)) rx="1.5" { title { (text(&bar.label)) } }
    };
    match &bar.link {
        Some(id) => html! { a href={ "#" (id) } tabindex="-1" { (rect) } },
        None => rect,
    }
}

/// How thick a bar is, and its class.
pub(super) fn shape(kind: BarKind) -> (u32, &'static str) {
    match kind {
        BarKind::Process => (4, "b-process"),
        BarKind::Fd => (8, "b-fd"),
        BarKind::File => (8, "b-file"),
        BarKind::Registration => (10, "b-registration"),
        BarKind::Ghost => (10, "b-ghost"),
        BarKind::Finding => (8, "b-finding"),
    }
}

/// The class of a series' marks, and where they begin and end in a track.
pub(super) fn place(kind: SeriesKind, tall: u32) -> (&'static str, u32, u32) {
    match kind {
        SeriesKind::Call => ("m-call", tall / 2, tall - 2),
        SeriesKind::Report => ("m-report", 2, tall / 2),
    }
}

fn draw_series(scale: Scale, series: &Series, tall: u32) -> Markup {
    let mut counts = vec![0_u64; BUCKETS];
    for line in &series.lines {
        counts[scale.bucket(*line, BUCKETS)] += series.every;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let (class, from, to) = place(series.kind, tall);
    let piece = 100.0 / BUCKETS as f64;
    html! {
        g class=(class) {
            @for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                rect class={ "d" (strength(*count, most)) } x=(percent(at as f64 * piece)) y=(from)
                    width=(percent(piece * 0.8)) height=(to - from) {}
            }
        }
    }
}

/// How strong a piece with so many marks is drawn: by the logarithm, because a few among many must be seen.
fn strength(count: u64, most: u64) -> u32 {
    let share = ((count + 1) as f64).ln() / ((most + 1) as f64).ln();
    ((share * f64::from(STRENGTHS)).ceil() as u32).clamp(1, STRENGTHS)
}

fn draw_step(scale: Scale, step: &Step, tall: u32) -> Markup {
    html! {
        a href={ "#L" (step.line) } tabindex="-1" {
            circle.step cx=(percent(scale.middle(step.line))) cy=(tall / 2) r="5" {
                title { "line " (number(step.line)) ": " (text(&step.what)) }
            }
        }
    }
}

/// What the lane shows, in words.
fn spoken(lane: &Lane) -> String {
    let mut parts = vec![name(&lane.label)];
    parts.extend(lane.bars.iter().take(8).map(|bar| text(&bar.label)));
    let series = lane.series.iter();
    parts.extend(series.map(|series| counted(series.count, &series.noun)));
    if !lane.steps.is_empty() {
        parts.push(counted(lane.steps.len() as u64, "step") + " of the story");
    }
    parts.join("; ")
}

/// The scale below the lanes.
pub(super) fn axis(timeline: &Timeline) -> Markup {
    let scale = Scale::new(timeline.from, timeline.to);
    html! {
        svg.track.ticks width="100%" height="22" aria-hidden="true" {
            @for line in scale.ticks(7) {
                rect.tick x=(percent(scale.middle(line))) y="0" width="1" height="5" {}
                text x=(percent(scale.middle(line))) y="17" text-anchor=(anchor(scale.middle(line))) { (number(line)) }
            }
        }
    }
}

/// At the edges a number must not be cut.
fn anchor(x: f64) -> &'static str {
    match x {
        x if x < 6.0 => "start",
        x if x > 94.0 => "end",
        _ => "middle",
    }
}

fn width(scale: Scale, from: u64, to: u64) -> String {
    // What is shorter than a dot is still seen.
    percent((scale.x(to + 1) - scale.x(from)).max(0.25))
}

fn percent(value: f64) -> String {
    format!("{:.3}%", value.min(100.0))
}
