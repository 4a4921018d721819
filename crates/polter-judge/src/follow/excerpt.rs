//! The lines of the log that are shown beside the findings.

use super::lives::ExcerptLine;
use crate::verdict::{Broken, Finding, PolicyVerdict};
use std::collections::BTreeSet;

/// How many lines before and after a named one are kept.
const AROUND: u64 = 2;
/// Most lines kept.
const MOST: usize = 3000;
/// Most bytes of a line.
const LONGEST: usize = 400;

/// The lines that are wanted, ascending; they are taken as the log goes by.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    lines: Vec<u64>,
    at: usize,
    taken: Vec<ExcerptLine>,
}

impl Wanted {
    /// The lines that findings and breaks name, and those around them.
    pub(super) fn of(findings: &[Finding], policies: &[PolicyVerdict]) -> Wanted {
        let steps = findings.iter().flat_map(|finding| &finding.story);
        let ends = findings.iter().filter_map(|finding| finding.ended);
        let breaks = policies
            .iter()
            .flat_map(|policy| policy.breaks.iter().chain(&policy.other_order));
        let breaks = breaks.flat_map(|it| {
            let registered = match &it.what {
                Broken::EventLost { registered, .. } => Some(registered.line),
                Broken::Result { .. } => None,
            };
            registered.into_iter().chain([it.site.line])
        });
        let named = steps.map(|step| step.site.line).chain(ends).chain(breaks);
        let mut lines = BTreeSet::new();
        for line in named {
            lines.extend(line.saturating_sub(AROUND).max(1)..=line.saturating_add(AROUND));
            if lines.len() >= MOST {
                break;
            }
        }
        Wanted {
            lines: lines.into_iter().collect(),
            ..Wanted::default()
        }
    }

    /// A line goes by.
    pub(super) fn pass(&mut self, line: u64, text: &[u8]) {
        if self.lines.get(self.at) != Some(&line) {
            return;
        }
        self.at += 1;
        let is_cut = text.len() > LONGEST;
        let kept = String::from_utf8_lossy(&text[..text.len().min(LONGEST)]);
        let text = if is_cut {
            format!("{kept}…")
        } else {
            kept.into_owned()
        };
        self.taken.push(ExcerptLine { line, text });
    }

    /// What was taken.
    pub(super) fn taken(self) -> Vec<ExcerptLine> {
        self.taken
    }
}
