//! The findings that are kept, by an index that never means another one; the oldest are given back.

use super::steps::add_frame;
use crate::verdict::{Finding, LogTime, News, Standing};
use std::collections::VecDeque;

/// A finding, and what was told of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) finding: Finding,
    pub(super) standing: Standing,
    pub(super) found: Option<LogTime>,
    pub(super) comm: Option<String>,
    /// The line on which it was made or last changed: its stack may follow.
    touched: u64,
    /// Its counts when it was last told; `None` if it never was.
    told: Option<(u64, u64)>,
    /// More than its counts has changed since.
    is_changed: bool,
}

/// Findings by index: those before `first` were given back.
#[derive(Debug, Default)]
pub(super) struct KeptFindings {
    kept: VecDeque<Kept>,
    first: usize,
    /// Something may have to be told.
    has_news: bool,
    /// The last news of findings that were given back since.
    last_news: Vec<News>,
}

/// A count is told again when it has grown to so many times what was told.
const GROWTH: u64 = 10;

impl Kept {
    /// True if there is something to tell: with `is_all` every change, else only one that is worth a line.
    fn has_news(&self, is_all: bool) -> bool {
        let now = (self.finding.events, self.finding.repeated);
        match self.told {
            None => self.standing != Standing::Withdrawn,
            Some(told) if is_all => self.is_changed || told != now,
            Some(told) => self.is_changed || has_grown(told.0, now.0) || has_grown(told.1, now.1),
        }
    }

    /// What there is to tell of it; from now on it is told.
    fn tell(&mut self, index: usize) -> News {
        let is_first = self.told.is_none();
        self.told = Some((self.finding.events, self.finding.repeated));
        self.is_changed = false;
        News {
            id: index as u64 + 1,
            is_first,
            standing: self.standing,
            found: self.found,
            comm: self.comm.clone(),
            finding: self.finding.clone(),
        }
    }
}

fn has_grown(told: u64, now: u64) -> bool {
    now > told && now >= told.saturating_mul(GROWTH).max(1)
}

impl KeptFindings {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// All that are kept, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.kept.iter().map(|kept| &kept.finding)
    }

    /// The index that the next finding gets.
    pub(super) fn next_index(&self) -> usize {
        self.first + self.kept.len()
    }

    pub(super) fn push(
        &mut self,
        finding: Finding,
        standing: Standing,
        found: Option<LogTime>,
        line: u64,
    ) -> usize {
        let index = self.next_index();
        self.has_news = true;
        self.kept.push_back(Kept {
            finding,
            standing,
            found,
            comm: None,
            touched: line,
            told: None,
            is_changed: false,
        });
        index
    }

    pub(super) fn get(&self, index: usize) -> Option<&Kept> {
        self.kept.get(index.checked_sub(self.first)?)
    }

    fn slot(&mut self, index: usize) -> Option<&mut Kept> {
        self.kept.get_mut(index.checked_sub(self.first)?)
    }

    /// Changes more than a finding's counts, unless it was given back.
    pub(super) fn change(&mut self, index: usize, line: u64, change_fn: impl FnOnce(&mut Kept)) {
        if let Some(kept) = self.slot(index) {
            change_fn(kept);
            kept.touched = kept.touched.max(line);
            kept.is_changed = true;
            self.has_news = true;
        }
    }

    /// Sets the name of a finding's process.
    pub(super) fn name(&mut self, index: usize, name_fn: impl FnOnce(u32) -> Option<String>) {
        if let Some(kept) = self.slot(index) {
            kept.comm = name_fn(kept.finding.pid);
        }
    }

    /// Adds to a finding's counts, unless it was given back.
    pub(super) fn count(&mut self, index: usize, events: u64, repeated: u64) {
        if let Some(kept) = self.slot(index) {
            kept.finding.events += events;
            kept.finding.repeated += repeated;
            if kept.has_news(false) {
                self.has_news = true;
            }
        }
    }

    /// Adds a stack frame to the newest findings that are about this line's call.
    pub(super) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        const OF_ONE_CALL: usize = 4;
        let newest = self.kept.iter_mut().rev();
        let newest = newest.filter(|kept| kept.standing != Standing::Suspected);
        for kept in newest.take(OF_ONE_CALL) {
            if add_frame(&mut kept.finding.story, line, frame) {
                kept.is_changed = true;
                self.has_news = true;
            }
        }
    }

    /// Replaces a finding but for its counts, unless it was given back.
    pub(super) fn replace(&mut self, index: usize, line: u64, finding: Finding) {
        let Some(kept) = self.slot(index) else { return };
        let finding = Finding {
            events: kept.finding.events,
            repeated: kept.finding.repeated,
            ..finding
        };
        if kept.finding != finding {
            self.change(index, line, |kept| kept.finding = finding);
        }
    }

    /// Every finding, to be changed; all that were told are told again.
    pub(super) fn change_all(&mut self, mut change_fn: impl FnMut(&mut Finding)) {
        for kept in &mut self.kept {
            change_fn(&mut kept.finding);
            kept.is_changed = true;
        }
        self.has_news = true;
    }

    /// Gives the oldest finding back if it was told; what was not told of it yet still is.
    pub(super) fn give_back(&mut self) -> Option<(usize, Kept)> {
        let oldest = self.kept.front_mut()?;
        if oldest.has_news(true) {
            oldest.told?;
            self.last_news.push(oldest.tell(self.first));
        }
        self.first += 1;
        Some((self.first - 1, self.kept.pop_front()?))
    }

    /// What is new of the findings that were last changed before this line. With `is_all` also a little growth.
    pub(super) fn take_news(&mut self, before: u64, is_all: bool) -> Vec<News> {
        if !self.has_news && !is_all {
            return Vec::new();
        }
        let mut news = std::mem::take(&mut self.last_news);
        self.has_news = false;
        for (index, kept) in (self.first..).zip(&mut self.kept) {
            if !kept.has_news(is_all) {
                continue;
            }
            if kept.touched < before {
                news.push(kept.tell(index));
            } else {
                self.has_news = true;
            }
        }
        news
    }

    /// The findings that stand.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let kept = self.kept.into_iter();
        let found = kept.filter(|kept| kept.standing == Standing::Found);
        found.map(|kept| kept.finding).collect()
    }
}
