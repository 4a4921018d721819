//! What the script gets of a timeline: bars and steps as they are, marks in a few bits each.
//!
//! Marks are differences of lines, seven bits a byte, in base64: a million marks that follow each other closely take
//! a megabyte and a third.

use super::track::{height, place, shape};
use crate::model::{Lane, Series, SeriesKind, Step, Timeline};
use crate::shown::{FRAMES, name, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A timeline, for the script.
#[derive(Debug, Serialize)]
pub(crate) struct TimelineData {
    from: u64,
    to: u64,
    bands: Vec<(u64, u64)>,
    lanes: Vec<LaneData>,
}

#[derive(Debug, Serialize)]
struct LaneData {
    label: String,
    tall: u32,
    bars: Vec<BarData>,
    series: Vec<SeriesData>,
    steps: Vec<StepData>,
}

#[derive(Debug, Serialize)]
struct BarData {
    from: u64,
    to: u64,
    thick: u32,
    class: &'static str,
    label: String,
    link: Option<String>,
}

#[derive(Debug, Serialize)]
struct SeriesData {
    class: &'static str,
    noun: String,
    y: (u32, u32),
    every: u64,
    marks: String,
    texts: Vec<(u64, String)>,
}

#[derive(Debug, Serialize)]
struct StepData {
    line: u64,
    pid: u32,
    what: String,
    text: String,
    stack: Vec<String>,
}

impl From<&Timeline> for TimelineData {
    fn from(timeline: &Timeline) -> TimelineData {
        TimelineData {
            from: timeline.from,
            to: timeline.to,
            bands: timeline.bands.clone(),
            lanes: timeline.lanes.iter().map(LaneData::from).collect(),
        }
    }
}

impl From<&Lane> for LaneData {
    fn from(lane: &Lane) -> LaneData {
        let bars = lane.bars.iter().map(|bar| {
            let (thick, class) = shape(bar.kind);
            BarData {
                from: bar.from,
                to: bar.to,
                thick,
                class,
                label: text(&bar.label),
                link: bar.link.clone(),
            }
        });
        let tall = height(lane);
        LaneData {
            label: name(&lane.label),
            tall,
            bars: bars.collect(),
            series: lane.series.iter().map(|it| series(it, tall)).collect(),
            steps: lane.steps.iter().map(StepData::from).collect(),
        }
    }
}

impl From<&Step> for StepData {
    fn from(step: &Step) -> StepData {
        StepData {
            line: step.line,
            pid: step.pid,
            what: text(&step.what),
            text: text(&step.text),
            stack: step.stack.iter().take(FRAMES).map(|it| text(it)).collect(),
        }
    }
}

fn series(series: &Series, tall: u32) -> SeriesData {
    let (class, from, to) = place(series.kind, tall);
    debug_assert!(matches!(series.kind, SeriesKind::Call | SeriesKind::Report));
    let texts = series.texts.iter();
    SeriesData {
        class,
        noun: name(&series.noun),
        y: (from, to),
        every: series.every,
        marks: STANDARD.encode(packed(&series.lines)),
        texts: texts.map(|(line, call)| (*line, text(call))).collect(),
    }
}

/// Ascending lines as differences, seven bits a byte, the lowest first.
fn packed(lines: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len());
    let mut last = 0;
    for line in lines {
        let mut rest = line.saturating_sub(last);
        last = *line;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::packed;

    #[test]
    fn near_marks_take_a_byte_each() {
        assert_eq!(packed(&[1, 2, 4]), [1, 1, 2]);
        assert_eq!(packed(&[300]), [0xac, 2]);
        assert!(packed(&[]).is_empty());
    }
}
