//! The policies as a matrix: what each does to each ghost, and what it breaks.

use polter_judge::{Break, Finding, Outcome, PolicyVerdict, Verdict};
use polter_page::{Cell, Link, Matrix, PolicyRow, Tone};

use crate::report::call_text;
use crate::report::sentences::{BY_ORDER, broken, mends, outcome};
use crate::report::words::{counted, number};

/// Most findings that have a column.
const COLUMNS: usize = 12;
/// The most characters of a call.
const CALL: usize = 90;

/// The matrix of a verdict. Only ghosts have a column: whether another finding would be there is not known.
pub(super) fn matrix(verdict: &Verdict) -> Matrix {
    let findings = verdict.findings.iter().enumerate();
    let ghosts = findings.filter(|(_, finding)| finding.class.is_ghost());
    let ghosts: Vec<(usize, &Finding)> = ghosts.take(COLUMNS).collect();
    let rows = verdict.policies.iter().map(|policy| row(policy, &ghosts));
    Matrix {
        rows: rows.collect(),
        findings: ghosts.iter().map(|(at, _)| *at).collect(),
    }
}

fn row(policy: &PolicyVerdict, ghosts: &[(usize, &Finding)]) -> PolicyRow {
    let cells = ghosts.iter().map(|(_, finding)| {
        if finding.mended_by.contains(&policy.policy) {
            Cell::Mended
        } else {
            Cell::Stays
        }
    });
    let breaks = policy.breaks.iter().chain(&policy.other_order);
    let word = outcome(policy.verdict);
    PolicyRow {
        policy: policy.policy.clone(),
        cells: cells.collect(),
        mends: mends(policy),
        breaks: count(policy),
        links: breaks.map(link).collect(),
        verdict: match policy.notices {
            0 => word.to_owned(),
            notices => format!("{word}, {}", counted(notices, "notice")),
        },
        tone: match policy.verdict {
            Outcome::Breaks => Tone::Fault,
            Outcome::Mends => Tone::Clean,
            Outcome::Unchanged | Outcome::Harmless => Tone::Plain,
            _ => Tone::Note,
        },
    }
}

fn count(policy: &PolicyVerdict) -> String {
    let mut parts = Vec::new();
    if policy.break_count > 0 {
        parts.push(number(policy.break_count));
    }
    match policy.order_count {
        0 => {}
        count if count == policy.break_count => parts.push(format!("{BY_ORDER} only")),
        count => parts.push(format!("{} {BY_ORDER} only", number(count))),
    }
    if policy.other_order_count > 0 {
        parts.push(format!(
            "in another order: {}",
            number(policy.other_order_count)
        ));
    }
    parts.join("; ")
}

fn link(it: &Break) -> Link {
    let call = call_text::fit(&it.site.text, CALL);
    let what = broken(&it.what);
    Link {
        line: it.site.line,
        text: format!("{call} by {}: {what}", it.site.pid),
    }
}
