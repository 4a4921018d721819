//! What was told so far, and the exit code that comes of it.

use polter_judge::{News, Severity, Standing, Verdict};
use serde::Serialize;

use crate::exit::Exit;
use crate::fail_on::FailOn;

/// Counts of a watch.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Tally {
    /// Findings that stand.
    pub(crate) findings: u64,
    /// Those of them that are faults.
    pub(crate) faults: u64,
    /// Suspicions that were taken back.
    pub(crate) withdrawn: u64,
    /// Findings that were only counted.
    pub(crate) left_out: u64,
    /// Events that the recorder has lost.
    pub(crate) lost_events: u64,
    /// Ghosts that were removed when they were made.
    pub(crate) removed: u64,
    /// Ghosts that could not be.
    pub(crate) kept: u64,
    /// From the close to the removal, in microseconds: of the first ones.
    #[serde(skip)]
    pub(crate) took: Vec<u32>,
    /// Something that `--fail-on` names was found.
    #[serde(skip)]
    is_met: bool,
}

impl Tally {
    /// Counts what is told.
    pub(super) fn count(&mut self, news: &News, before: Option<Standing>, fail_on: &[FailOn]) {
        let (class, severity) = (news.finding.class, news.finding.severity);
        match news.standing {
            Standing::Found => {
                self.is_met |= FailOn::names(fail_on, class, severity);
                if before != Some(Standing::Found) {
                    self.findings += 1;
                    self.faults += u64::from(severity == Severity::Fault);
                }
            }
            Standing::Withdrawn => self.withdrawn += 1,
            Standing::Suspected => {}
        }
    }

    /// Counts what came of a ghost.
    #[cfg(feature = "bpf")]
    pub(super) fn count_exorcism(&mut self, it: &super::Exorcism) {
        const MAX_TOOK: usize = 1 << 16;
        match it.outcome {
            polter_scan::Outcome::Removed => {
                self.removed += 1;
                if self.took.len() < MAX_TOOK {
                    self.took
                        .push(it.took.as_micros().min(u128::from(u32::MAX)) as u32);
                }
            }
            ref outcome => self.kept += u64::from(outcome.is_kept()),
        }
    }

    /// The median of what removals took, in microseconds.
    pub(crate) fn median_took(&self) -> Option<u32> {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }

    /// The exit code. 0 means that the log showed enough, all of it was read, and nothing was found.
    pub(super) fn exit(&self, verdict: &Verdict, is_damaged: bool, args: Strict<'_>) -> Exit {
        let is_unsure = is_damaged || verdict.log.unread_lines > 0 || self.lost_events > 0;
        if args.is_strict && (is_unsure || verdict.log.warning_count > 0) {
            return Exit::Error;
        }
        let left_out = self.left_out > 0 && args.fail_on.contains(&FailOn::Any);
        let is_met = self.is_met || left_out;
        if is_met && !args.is_strict && !is_damaged && !verdict.log.is_mostly_foreign() {
            return Exit::Findings;
        }
        match (is_unsure || !verdict.gaps.is_empty(), is_met) {
            (true, _) => Exit::Error,
            (false, true) => Exit::Findings,
            (false, false) => Exit::Clean,
        }
    }
}

/// How an exit code is chosen.
#[derive(Clone, Copy)]
pub(super) struct Strict<'a> {
    pub(super) fail_on: &'a [FailOn],
    pub(super) is_strict: bool,
}
