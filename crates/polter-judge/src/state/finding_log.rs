//! Collects findings and warnings. It is bounded, and counts repetitions instead of keeping them.

use super::kept_findings::KeptFindings;
use super::steps::name_root;
use crate::verdict::{
    Class, Finding, Gap, Instance, LogSummary, LogTime, News, PolicyVerdict, Severity, Standing,
    Step, Verdict, Warning,
};
use eventpoll::Fd;
use rustc_hash::FxHashMap;

/// Most findings kept; all others are only counted. While the log grows, the oldest that was told is given back instead.
const MAX_FINDINGS: usize = 1000;

/// Most findings kept of one class, process and instance; others count as repetitions.
const MAX_ALIKE: u64 = 3;

/// Most warnings kept; all others are only counted.
const MAX_WARNINGS: usize = 100;

/// What makes findings alike: class, process, line of the instance, severity.
type Kind = (Class, u32, Option<u64>, Severity);

/// Findings and warnings, as they come up, and the counts of what was read.
#[derive(Debug, Default)]
pub(crate) struct FindingLog {
    pub(crate) summary: LogSummary,
    kept: KeptFindings,
    /// The index of a kind's first finding, and how many there were.
    alike: FxHashMap<Kind, (usize, u64)>,
    /// How many suspicions of a kind there are.
    suspected: FxHashMap<Kind, u64>,
    left_out: u64,
    /// Findings are told as they come up, and need not all be kept.
    pub(crate) is_live: bool,
    /// The line being read, and when it was written: of the findings that it brings to light.
    pub(crate) now: (u64, Option<LogTime>),
}

/// What became of a finding that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filed {
    /// It is kept under this index.
    Kept(usize),
    /// The finding with this index stands for it.
    Repeated(usize),
    /// There was no room.
    LeftOut,
}

impl Filed {
    /// The index of the finding itself, if it is kept.
    pub(crate) fn kept(self) -> Option<usize> {
        match self {
            Filed::Kept(at) => Some(at),
            Filed::Repeated(_) | Filed::LeftOut => None,
        }
    }
}

impl FindingLog {
    /// Keeps a finding, or counts it as a repetition. Gives its index if it is kept.
    pub(crate) fn add(&mut self, finding: Finding) -> Option<usize> {
        self.decide(None, finding).kept()
    }

    /// What was suspected, if it was, is a finding: keeps it under its index, or counts it as a repetition.
    pub(crate) fn decide(&mut self, suspicion: Option<usize>, finding: Finding) -> Filed {
        let kind = kind_of(&finding);
        if let Some((first, count)) = self.alike.get_mut(&kind) {
            *count += 1;
            let first = *first;
            // A second finding about the same fd is a repetition. Not so for ghosts: each is a registration of its own.
            let like = self.kept.get(first).map(|kept| kept.finding.fd);
            let is_same = like == Some(finding.fd) && !finding.class.is_ghost();
            if *count > MAX_ALIKE || is_same {
                self.kept.count(first, finding.events, 1);
                self.withdraw(suspicion);
                return Filed::Repeated(first);
            }
        }
        if let Some(at) = suspicion.filter(|at| self.is_suspected(*at)) {
            self.forget_suspicion(at);
            let line = self.now.0;
            self.kept.change(at, line, |kept| {
                (kept.finding, kept.standing) = (finding, Standing::Found);
            });
            self.alike.entry(kind).or_insert((at, 1));
            return Filed::Kept(at);
        }
        if !self.has_room() {
            self.left_out += 1;
            return Filed::LeftOut;
        }
        let at = self
            .kept
            .push(finding, Standing::Found, self.now.1, self.now.0);
        self.alike.entry(kind).or_insert((at, 1));
        Filed::Kept(at)
    }

    /// False if as many alike are suspected already.
    pub(crate) fn may_suspect(&self, class: Class, pid: u32, instance: &Instance) -> bool {
        let kind = (class, pid, instance.line, Severity::Fault);
        (self.suspected.get(&kind)).is_none_or(|alike| *alike < MAX_ALIKE)
    }

    /// Something has lasted, and may be a finding: keeps it until it is decided. Gives its index, or none if as many
    /// alike are suspected already.
    pub(crate) fn suspect(&mut self, finding: Finding) -> Option<usize> {
        let kind = kind_of(&finding);
        let alike = self.suspected.get(&kind).copied().unwrap_or(0);
        if alike >= MAX_ALIKE || !self.has_room() {
            return None;
        }
        self.suspected.insert(kind, alike + 1);
        Some(
            self.kept
                .push(finding, Standing::Suspected, self.now.1, self.now.0),
        )
    }

    /// What was suspected is no finding.
    pub(crate) fn withdraw(&mut self, suspicion: Option<usize>) {
        if let Some(at) = suspicion.filter(|at| self.is_suspected(*at)) {
            self.forget_suspicion(at);
            let line = self.now.0;
            (self.kept).change(at, line, |kept| kept.standing = Standing::Withdrawn);
        }
    }

    fn is_suspected(&self, at: usize) -> bool {
        let kept = self.kept.get(at);
        kept.is_some_and(|kept| kept.standing == Standing::Suspected)
    }

    fn forget_suspicion(&mut self, at: usize) {
        if let Some(kind) = self.kept.get(at).map(|kept| kind_of(&kept.finding)) {
            self.forget_suspicion_of(kind);
        }
    }

    fn forget_suspicion_of(&mut self, kind: Kind) {
        if let Some(count) = self.suspected.get_mut(&kind) {
            *count -= 1;
            if *count == 0 {
                self.suspected.remove(&kind);
            }
        }
    }

    /// Makes room for one more finding, if there is none; false if that cannot be.
    fn has_room(&mut self) -> bool {
        if self.kept.len() < MAX_FINDINGS {
            return true;
        }
        if !self.is_live {
            return false;
        }
        let Some((at, oldest)) = self.kept.give_back() else {
            return false;
        };
        match oldest.standing {
            Standing::Suspected => self.forget_suspicion_of(kind_of(&oldest.finding)),
            Standing::Found => {
                let kind = kind_of(&oldest.finding);
                if self.alike.get(&kind).is_some_and(|(first, _)| *first == at) {
                    self.alike.remove(&kind);
                }
            }
            Standing::Withdrawn => {}
        }
        true
    }

    /// A finding says more than it did; its counts are those that were counted. If it was given back, nothing is done.
    pub(crate) fn replace(&mut self, at: usize, finding: Finding) {
        self.kept.replace(at, self.now.0, finding);
    }

    /// Adds to the events of a finding.
    pub(crate) fn count_events(&mut self, at: usize, events: u64) {
        self.kept.count(at, events, 0);
    }

    /// The condition that a finding is about has ended on this line.
    pub(crate) fn end(&mut self, at: usize, line: u64) {
        (self.kept).change(at, line, |kept| kept.finding.ended = Some(line));
    }

    /// Adds a step to a finding that was made already.
    pub(crate) fn add_step(&mut self, at: usize, step: Step) {
        let line = step.site.line;
        (self.kept).change(at, line, |kept| kept.finding.story.push(step));
    }

    /// Adds a stack frame (`strace -k`) to the newest findings that are about this line's call.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        self.kept.add_frame(line, frame);
    }

    /// The findings that began before one of these lines and were not over by then: fd and process.
    pub(crate) fn reaching_over(&self, lines: &[u64]) -> Vec<(i32, u32)> {
        let reaches_over = |it: &&Finding| {
            let first = it.story.first().map_or(0, |step| step.site.line);
            let last = it.ended.unwrap_or(u64::MAX);
            lines.iter().any(|line| (first..=last).contains(line))
        };
        let found = self.kept.iter().filter(reaches_over);
        found.map(|it| (it.fd, it.pid)).collect()
    }

    /// The task without a pid turns out to have one: its findings get it.
    pub(crate) fn name_root(&mut self, pid: u32) {
        self.kept.change_all(|finding| {
            for nameless in [&mut finding.pid, &mut finding.instance.pid] {
                if *nameless == 0 {
                    *nameless = pid;
                }
            }
            name_root(&mut finding.story, pid);
        });
    }

    /// The index that the next finding gets.
    pub(crate) fn next_index(&self) -> usize {
        self.kept.next_index()
    }

    /// Sets the name of a finding's process.
    pub(crate) fn name(&mut self, at: usize, name_fn: impl FnOnce(u32) -> Option<String>) {
        self.kept.name(at, name_fn);
    }

    /// What is new of the findings that were last changed before this line; with `is_all`, the least change too.
    pub(crate) fn take_news(&mut self, before: u64, is_all: bool) -> Vec<News> {
        self.kept.take_news(before, is_all)
    }

    /// How many findings were only counted.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Counts a warning, and keeps it if there is room. The message is only made then.
    pub(crate) fn warn(&mut self, line: u64, column: u64, message: impl FnOnce() -> String) {
        self.summary.warning_count += 1;
        if self.summary.warnings.len() < MAX_WARNINGS {
            self.summary.warnings.push(Warning {
                line,
                column,
                message: message(),
            });
        }
    }

    /// The verdict, with what the log lacks and what the worlds showed.
    pub(crate) fn into_verdict(self, gaps: Vec<Gap>, mut policies: Vec<PolicyVerdict>) -> Verdict {
        // Faults first, then notes; each in the order of the last step.
        let mut findings = self.kept.into_findings();
        findings.sort_by_key(|finding| {
            let last = finding.story.last().map_or(0, |step| step.site.line);
            (finding.severity, last)
        });
        for policy in &mut policies {
            policy.verdict = policy.outcome(gaps.is_empty());
        }
        Verdict {
            gaps,
            log: self.summary,
            findings,
            findings_left_out: self.left_out,
            policies,
        }
    }
}

fn kind_of(finding: &Finding) -> Kind {
    let instance = finding.instance.line;
    (finding.class, finding.pid, instance, finding.severity)
}

/// A finding as most detectors make it: it has no holders, no events, and no end.
#[derive(Debug)]
pub(crate) struct FindingDraft {
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    pub(crate) pid: u32,
    pub(crate) fd: Fd,
    pub(crate) instance: Instance,
    pub(crate) summary: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) fix: &'static str,
}

impl FindingDraft {
    /// The finding, with the fields that have a default.
    pub(crate) fn finding(self) -> Finding {
        Finding {
            class: self.class,
            severity: self.severity,
            pid: self.pid,
            fd: self.fd.0,
            instance: self.instance,
            summary: self.summary,
            story: self.steps,
            holders: Vec::new(),
            events: 0,
            ended: None,
            fix: self.fix.to_string(),
            repeated: 0,
            mended_by: Vec::new(),
        }
    }
}
