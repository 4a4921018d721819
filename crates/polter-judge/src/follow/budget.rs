//! How much is kept of all marks and texts together.

use super::lives::{FindingLives, MarkKind, ProcessLife, Series};
use super::marks::Marks;

/// Most marks of all series together.
const MAX_MARKS: usize = 3 << 20;

/// Most bytes of texts beside marks.
const MAX_TEXT: usize = 2 << 20;

/// Counts what is kept.
#[derive(Debug, Default)]
pub(super) struct Budget {
    marks: usize,
    text: usize,
}

impl Budget {
    /// Marks a line.
    pub(super) fn mark(&mut self, marks: &mut Marks, line: u64) {
        self.marks += usize::from(marks.add(line));
    }

    /// Marks a line in a finding's series, with the call's text if it is another than before.
    pub(super) fn note(
        &mut self,
        lives: &mut FindingLives,
        (pid, kind): (u32, MarkKind),
        line: u64,
        text_fn: impl FnOnce() -> String,
    ) {
        let at = lives
            .series
            .iter()
            .position(|series| (series.pid, series.kind) == (pid, kind));
        let at = at.unwrap_or_else(|| {
            lives.series.push(Series {
                pid,
                kind,
                marks: Marks::default(),
                texts: Vec::new(),
            });
            lives.series.len() - 1
        });
        let series = &mut lives.series[at];
        if series.marks.lines.last() == Some(&line) {
            return;
        }
        self.mark(&mut series.marks, line);
        if self.text >= MAX_TEXT {
            return;
        }
        let text = text_fn();
        if series.texts.last().is_none_or(|(_, last)| *last != text) {
            self.text += text.len() + size_of::<(u64, String)>();
            series.texts.push((line, text));
        }
    }

    /// Halves the longest series while there are too many marks.
    pub(super) fn keep(
        &mut self,
        others: &mut Marks,
        processes: &mut [ProcessLife],
        findings: &mut [FindingLives],
    ) {
        while self.marks > MAX_MARKS {
            let calls = processes.iter_mut().map(|process| &mut process.calls);
            let series = findings.iter_mut().flat_map(|lives| &mut lives.series);
            let all = std::iter::once(&mut *others)
                .chain(calls)
                .chain(series.map(|series| &mut series.marks));
            let Some(longest) = all.max_by_key(|marks| marks.lines.len()) else {
                return;
            };
            self.marks -= longest.halve();
        }
    }
}
