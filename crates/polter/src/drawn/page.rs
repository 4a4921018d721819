//! The values of the page: the same words as the report of `polter judge`, and what was followed.

use std::collections::BTreeSet;
use std::path::Path;

use polter_judge::{Finding, Followed, Gap, KeptBy, Severity, Verdict};
use polter_page::{Card, Excerpt, Filter, Page, Tone};

use super::names::step;
use super::{graph, lanes, policies};
use crate::report::sentences::{
    Found, Mood, describe_instance, events, found, holders, place, read, unseen,
};
use crate::report::words::{counted, number};

/// The page on a log.
pub(super) fn page(path: &Path, verdict: &Verdict, followed: &Followed) -> Page {
    let Found { mood, head, rest } = found(verdict);
    let between = if mood == Mood::Fault && !rest.is_empty() {
        ", "
    } else {
        ""
    };
    let mut sentences = vec![read(&verdict.log)];
    sentences.extend(unseen(&verdict.log));
    let findings = verdict.findings.iter().enumerate();
    Page {
        title: path.to_string_lossy().into_owned(),
        verdict: format!("{head}{between}{rest}"),
        tone: match mood {
            Mood::Fault => Tone::Fault,
            Mood::Note => Tone::Note,
            Mood::Clean => Tone::Clean,
        },
        read: sentences,
        findings: findings
            .map(|(at, finding)| card(at, finding, followed))
            .collect(),
        left_out: (verdict.findings_left_out > 0)
            .then(|| counted(verdict.findings_left_out, "more finding") + " left out"),
        gaps: verdict.gaps.iter().map(gap).collect(),
        overview: Some(lanes::overview(verdict, followed)),
        now: graph::at_the_end(followed),
        policies: policies::matrix(verdict),
        warnings: warnings(verdict),
        excerpt: excerpt(verdict, followed),
        times: times(followed),
    }
}

fn card(at: usize, finding: &Finding, followed: &Followed) -> Card {
    let lives = followed.findings.get(at);
    let mut facts = Vec::new();
    facts.extend(events(finding).map(|text| ("events".to_owned(), text)));
    if !finding.holders.is_empty() {
        facts.push(("kept by".to_owned(), holders(&finding.holders)));
    }
    if finding.repeated > 0 {
        let text = format!("{} more of the same", number(finding.repeated));
        facts.push(("repeated".to_owned(), text));
    }
    let is_note = finding.severity == Severity::Note;
    let class = finding.class.name().replace('-', " ");
    Card {
        class: if is_note { class + " (note)" } else { class },
        tone: if is_note { Tone::Note } else { Tone::Fault },
        place: place(finding),
        summary: finding.summary.clone(),
        story: finding.story.iter().map(step).collect(),
        facts,
        fix: finding.fix.clone(),
        filter: filter(finding),
        timeline: lives.and_then(|lives| lanes::of_finding(finding, lives, followed)),
        state: lives.and_then(|lives| graph::of_finding(finding, lives, followed)),
    }
}

fn filter(finding: &Finding) -> Filter {
    let mut processes: Vec<u32> = finding.story.iter().map(|step| step.site.pid).collect();
    processes.push(finding.pid);
    processes.extend(finding.holders.iter().filter_map(|holder| match holder {
        KeptBy::Fd { pid, .. } => Some(*pid),
        _ => None,
    }));
    processes.sort_unstable();
    processes.dedup();
    Filter {
        processes,
        // The owner is named whoever asks: 0 is nobody's pid.
        instance: describe_instance(&finding.instance, 0),
    }
}

fn gap(gap: &Gap) -> polter_page::Gap {
    let place = gap.line.map_or_else(String::new, |line| {
        format!(", first on line {}", number(line))
    });
    polter_page::Gap {
        text: format!("{}{place}", gap.summary),
        advice: gap.advice.clone(),
    }
}

fn warnings(verdict: &Verdict) -> Vec<(String, String)> {
    let log = &verdict.log;
    let shown = log.warnings.iter().take(20);
    let mut warnings: Vec<_> = shown
        .map(|warning| {
            let place = match warning.column {
                0 => format!("line {}", warning.line),
                column => format!("line {}:{column}", warning.line),
            };
            (place, warning.message.clone())
        })
        .collect();
    let rest = log.warning_count - warnings.len() as u64;
    if rest > 0 {
        warnings.push((String::new(), counted(rest, "more warning")));
    }
    warnings
}

fn excerpt(verdict: &Verdict, followed: &Followed) -> Vec<Excerpt> {
    let stories = verdict.findings.iter().flat_map(|finding| &finding.story);
    let breaks = verdict.policies.iter();
    let breaks = breaks.flat_map(|policy| policy.breaks.iter().chain(&policy.other_order));
    let named: BTreeSet<u64> = stories
        .map(|step| step.site.line)
        .chain(breaks.map(|it| it.site.line))
        .collect();
    let lines = followed.excerpt.iter();
    lines
        .map(|line| Excerpt {
            line: line.line,
            text: line.text.clone(),
            is_named: named.contains(&line.line),
        })
        .collect()
}

/// Seconds since the first line that has a time.
fn times(followed: &Followed) -> Vec<(u64, f64)> {
    let Some((_, first)) = followed.times.first() else {
        return Vec::new();
    };
    let times = followed.times.iter();
    times
        .map(|(line, time)| {
            let since = time.since_1970().saturating_sub(first.since_1970());
            (*line, since.as_secs_f64())
        })
        .collect()
}
