//! A part of a log as lanes. It is drawn once, for readers without a script; with one, the same values are drawn anew
//! at every zoom.
//!
//! ```text
//!   process 100   ──●──────●─▏▏▏▏▏▏───
//!     fd 4          ████████
//!   file            ██████████████████
//!   registration     ██████▒▒▒▒▒▒▒▒▒▒▒      ▒ ghost
//!                 1    5    10   15
//! ```

mod data;
mod scale;
mod track;

use crate::model::{BarKind, Lane, SeriesKind, Timeline};
use crate::shown::name;
use maud::{Markup, html};

/// What the script gets.
pub(crate) use data::TimelineData;

/// A timeline under a key, which is also the key of its data.
pub(crate) fn draw(timeline: &Timeline, key: &str) -> Markup {
    html! {
        figure.timeline data-key=(key) {
            div.tools hidden role="group" aria-label="Zoom" {
                button type="button" data-do="in" title="zoom in (+)" { "+" }
                button type="button" data-do="out" title="zoom out (-)" { "−" }
                button type="button" data-do="all" title="the whole log (0)" { "all" }
                span.keys { "drag, or + − 0; ← → go from mark to mark, ↑ ↓ from lane to lane, Enter to the log" }
            }
            div.lanes aria-label=(timeline.label) {
                @for lane in &timeline.lanes { (draw_lane(timeline, lane)) }
                div.lane.axis {
                    div.name { "line" }
                    (track::axis(timeline))
                }
            }
            (legend(timeline))
            div.detail hidden aria-live="polite" {}
        }
    }
}

fn draw_lane(timeline: &Timeline, lane: &Lane) -> Markup {
    html! {
        div.lane.part[lane.is_part] data-pid=[lane.pid] {
            div.name title=(name(&lane.label)) {
                (name(&lane.label))
                @if !lane.detail.is_empty() { " " small { (name(&lane.detail)) } }
            }
            (track::draw(timeline, lane))
        }
    }
}

fn legend(timeline: &Timeline) -> Markup {
    let has_bar = |kind| {
        let mut bars = timeline.lanes.iter().flat_map(|lane| &lane.bars);
        bars.any(|bar| bar.kind == kind)
    };
    let has_series = |kind| {
        let mut series = timeline.lanes.iter().flat_map(|lane| &lane.series);
        series.any(|series| series.kind == kind)
    };
    let has_steps = timeline.lanes.iter().any(|lane| !lane.steps.is_empty());
    let bars = [
        (BarKind::Process, "process"),
        (BarKind::Fd, "fd names the file"),
        (BarKind::File, "file is open"),
        (BarKind::Registration, "registration"),
        (BarKind::Ghost, "ghost"),
        (BarKind::Finding, "from first to last step"),
    ];
    html! {
        figcaption.legend aria-hidden="true" {
            @for (kind, what) in bars.into_iter().filter(|(kind, _)| has_bar(*kind)) {
                span { svg width="18" height="10" { rect class=(track::shape(kind).1) x="0" y="1" width="18" height="8" rx="1.5" {} } " " (what) }
            }
            @if has_series(SeriesKind::Call) {
                span { svg.m-call width="8" height="10" { rect.d4 width="3" height="10" {} } " call" }
            }
            @if has_series(SeriesKind::Report) {
                span { svg.m-report width="8" height="10" { rect.d5 width="3" height="10" {} } " report" }
            }
            @if has_steps {
                span { svg width="12" height="12" { circle.step cx="6" cy="6" r="5" {} } " step of the story" }
            }
        }
    }
}
