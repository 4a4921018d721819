//! Verdicts as SARIF 2.1.0, for code scanning: a rule a class, a result a finding, a code flow its steps.
//!
//! A finding's place is the log's line at which it came to light. With `strace -k` the program's own innermost frame
//! there is its logical location. A fingerprint holds no pid, fd or line, so that a finding is the same in the next run.

mod format;
mod place;

use std::collections::BTreeMap;
use std::io::{self, Write};

use polter_class::{Class, Severity};
use polter_judge::{Finding, Step};
use serde_json::json;

use super::judged::{Judged, Remark, key_step};
use super::words::clean;
use super::{frames, json as lines};
use crate::exit::Exit;
use format::{
    CodeFlow, Configuration, Document, Driver, FlowLocation, Invocation, Level, Location, Message,
    Notification, Rule, Run, Stack, ThreadFlow, Tool,
};
use place::Place;

/// Writes all logs as one document.
pub(crate) fn write(out: &mut dyn Write, all: &[Judged]) -> io::Result<()> {
    lines::write_line(out, &document(all))
}

fn document(all: &[Judged]) -> Document {
    let mut seen = BTreeMap::new();
    let results = all.iter().flat_map(|judged| {
        let findings = judged.verdict.iter().flat_map(|verdict| &verdict.findings);
        findings.map(|finding| (Place::of(&judged.path), finding))
    });
    let results = results.map(|(place, finding)| result(&place, finding, &mut seen));
    let run = Run {
        tool: Tool { driver: driver() },
        invocations: [Invocation {
            execution_successful: all.iter().all(|judged| judged.exit != Exit::Error),
            tool_execution_notifications: all.iter().flat_map(notifications).collect(),
        }],
        results: results.collect(),
    };
    Document {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [run],
    }
}

fn driver() -> Driver {
    Driver {
        name: env!("CARGO_PKG_NAME"),
        semantic_version: env!("CARGO_PKG_VERSION"),
        rules: Class::IN_LOGS.map(rule).into(),
    }
}

fn rule(class: Class) -> Rule {
    let (summary, advice) = (class.summary(), class.advice());
    Rule {
        id: class.name(),
        // Rust's name of the class is in SARIF's own style: `ForkGhost`.
        name: format!("{class:?}"),
        short_description: Message::plain(summary),
        full_description: Message::plain(summary),
        help: Message::plain(&format!("{summary} {advice}")),
        default_configuration: Configuration {
            level: Level::Error,
        },
    }
}

fn result(place: &Place, finding: &Finding, seen: &mut BTreeMap<String, usize>) -> format::Finding {
    let step = key_step(finding);
    let locations = finding.story.iter().map(|step| FlowLocation {
        location: of_step(place, step),
    });
    let flow = ThreadFlow {
        locations: locations.collect(),
    };
    let print = fingerprint(finding);
    let nth = seen
        .entry(print.clone())
        .and_modify(|nth| *nth += 1)
        .or_insert(1);
    format::Finding {
        rule_id: finding.class.name(),
        rule_index: Class::IN_LOGS
            .iter()
            .position(|class| *class == finding.class)
            .unwrap_or_default(),
        level: level(finding.severity),
        message: Message::plain(&format!(
            "{}. Process {}, fd {}. Fix: {}.",
            finding.summary.trim_end_matches('.'),
            finding.pid,
            finding.fd,
            finding.fix.trim_end_matches('.')
        )),
        locations: vec![step.map_or_else(|| place.line(None), |step| place.call(step))],
        // A flow has at least one step.
        code_flows: match finding.story.is_empty() {
            true => Vec::new(),
            false => vec![CodeFlow {
                thread_flows: [flow],
            }],
        },
        stacks: step.into_iter().filter_map(stack).collect(),
        partial_fingerprints: json!({ "polterFinding/v1": format!("{print}:{nth}") }),
        occurrence_count: finding.repeated + 1,
        properties: json!({
            "pid": finding.pid,
            "fd": finding.fd,
            "instance": finding.instance,
            "events": finding.events,
            "ended": finding.ended,
        }),
    }
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Fault => Level::Error,
        Severity::Note => Level::Note,
    }
}

fn of_step(place: &Place, step: &Step) -> Location {
    let text = format!("{}: {}", step.what, step.site.text);
    Location {
        message: Some(Message::plain(&text)),
        ..place.call(step)
    }
}

fn stack(step: &Step) -> Option<Stack> {
    let frames = step.site.stack.iter().map(|frame| FlowLocation {
        location: place::frame(frame),
    });
    (!step.site.stack.is_empty()).then(|| Stack {
        frames: frames.collect(),
    })
}

/// What is the same in the next run: the class, the calls that led to it, and where the program made the last.
fn fingerprint(finding: &Finding) -> String {
    let mut calls: Vec<&str> = finding
        .story
        .iter()
        .map(|step| step.site.text.split('(').next().unwrap_or_default())
        .collect();
    calls.dedup();
    let frame = key_step(finding)
        .and_then(|step| frames::own(&step.site.stack))
        .unwrap_or_default();
    clean(&format!(
        "{}/{}/{frame}",
        finding.class.name(),
        calls.join(",")
    ))
}

fn notifications(judged: &Judged) -> Vec<Notification> {
    let place = Place::of(&judged.path);
    let is_error = judged.exit == Exit::Error;
    let level = if is_error {
        Level::Error
    } else {
        Level::Warning
    };
    let told = |level, remark: &Remark| Notification {
        level,
        message: Message::plain(&format!("{}: {}", judged.path.display(), remark.text)),
        locations: vec![place.line(remark.line)],
    };
    let remarks = judged.remarks();
    let left_out = judged
        .verdict
        .as_ref()
        .map_or(0, |verdict| verdict.findings_left_out);
    let left_out = (left_out > 0).then(|| Remark {
        text: format!("{left_out} more findings are left out"),
        line: None,
    });
    let mild = judged.unfollowed().into_iter().chain(left_out);
    let told_fn = |remark: &Remark| told(level, remark);
    remarks
        .iter()
        .map(told_fn)
        .chain(mild.map(|remark| told(Level::Warning, &remark)))
        .collect()
}

#[cfg(test)]
mod tests;
