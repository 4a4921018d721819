//! A verdict in a few words, to be compared with what was expected.

use crate::live::check_live;
use eventpoll::Policy;
use polter_judge::{Finding, Judge, PolicyVerdict, Severity, Verdict};

/// Judges a log under every policy. While it grows, it must show the same findings.
pub(crate) fn judge(log: &[u8]) -> Verdict {
    let mut judge = Judge::new(&Policy::ALL);
    judge.read(log, |_| {}).expect("memory can be read");
    let verdict = judge.finish();
    check_live(log, &verdict);
    verdict
}

/// Checks what is found in a log, and that every line of it could be followed.
///
/// A finding is its class, process and fd, and the lines of its story:
/// `fork-ghost 100:4 @ 4 6 8`. A note has `note` before it; behind it stand
/// the events reported through a ghost and the line of its end, if it has any.
#[track_caller]
pub(crate) fn check(log: &str, expected: &[&str]) {
    let verdict = judge(log.as_bytes());
    assert_eq!(findings(&verdict), expected, "in\n{}", numbered(log));
    assert_eq!(warnings(&verdict), [""; 0], "in\n{}", numbered(log));
}

/// Checks what the policies change: `close breaks 1 @ 8`, `owner mends 1 ghost, 2 events`;
/// `close breaks 2 @ 8, 1 by order`, `close breaks 1 @ 8 in another order`.
/// Policies under which nothing changes are not named.
#[track_caller]
pub(crate) fn check_policies(log: &str, expected: &[&str]) {
    let verdict = judge(log.as_bytes());
    assert_eq!(policies(&verdict), expected, "in\n{}", numbered(log));
}

/// Checks the warnings, each `line: message`.
#[track_caller]
pub(crate) fn check_warnings(log: &str, expected: &[&str]) {
    assert_eq!(
        warnings(&judge(log.as_bytes())),
        expected,
        "in\n{}",
        numbered(log)
    );
}

pub(crate) fn findings(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(told).collect()
}

pub(crate) fn warnings(verdict: &Verdict) -> Vec<String> {
    let warnings = verdict.log.warnings.iter();
    warnings
        .map(|warning| format!("{}: {}", warning.line, warning.message))
        .collect()
}

/// What each policy changes; calls nobody looks at are left out.
pub(crate) fn policies(verdict: &Verdict) -> Vec<String> {
    verdict.policies.iter().flat_map(changes).collect()
}

fn told(finding: &Finding) -> String {
    let note = if finding.severity == Severity::Note {
        "note "
    } else {
        ""
    };
    let mut text = format!(
        "{note}{} {}:{} @",
        finding.class.name(),
        finding.pid,
        finding.fd
    );
    for step in &finding.story {
        text += &format!(" {}", step.site.line);
    }
    if finding.events > 0 {
        text += &format!(", {} events", finding.events);
    }
    if let Some(line) = finding.ended {
        text += &format!(", ended {line}");
    }
    if finding.repeated > 0 {
        text += &format!(", {} more", finding.repeated);
    }
    text
}

fn changes(verdict: &PolicyVerdict) -> Vec<String> {
    let mut changes = Vec::new();
    if let Some(first) = verdict.breaks.first() {
        let order = match verdict.order_count {
            0 => String::new(),
            order => format!(", {order} by order"),
        };
        changes.push(format!(
            "{} breaks {} @ {}{order}",
            verdict.policy, verdict.break_count, first.site.line
        ));
    }
    if let Some(first) = verdict.other_order.first() {
        changes.push(format!(
            "{} breaks {} @ {} in another order",
            verdict.policy, verdict.other_order_count, first.site.line
        ));
    }
    let mended = [
        (verdict.mended_ghosts, "ghosts"),
        (verdict.mended_events, "events"),
        (verdict.mended_calls, "calls"),
    ];
    let mended: Vec<String> = mended
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !mended.is_empty() {
        changes.push(format!("{} mends {}", verdict.policy, mended.join(", ")));
    }
    changes
}

/// A log with its lines numbered, for whoever reads a failure.
fn numbered(log: &str) -> String {
    log.lines()
        .zip(1..)
        .map(|(line, number): (&str, u32)| format!("{number:4} {line}\n"))
        .collect()
}
