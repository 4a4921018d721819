//! `--fail-on`: which findings make the exit code 1.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use polter_class::{Class, Severity};
use polter_judge::{Finding, Verdict};

/// One name given to `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// Every fault: a finding that did harm or lasted to the end of the log.
    Fault,
    /// Every finding, notes too.
    Any,
    /// Nothing.
    Nothing,
    /// The ghost classes, notes too.
    Ghost,
    /// One class, notes too.
    Class(Class),
}

impl FailOn {
    /// True if one of the names matches a finding of the verdict.
    ///
    /// The class of findings that the judge left out is not known, so only `any` counts them.
    pub(crate) fn is_met(names: &[FailOn], verdict: &Verdict) -> bool {
        let left_out = verdict.findings_left_out > 0 && names.contains(&FailOn::Any);
        let matches = |finding| names.iter().any(|name| name.matches(finding));
        left_out || verdict.findings.iter().any(matches)
    }

    fn matches(self, finding: &Finding) -> bool {
        match self {
            FailOn::Fault => finding.severity == Severity::Fault,
            FailOn::Any => true,
            FailOn::Nothing => false,
            FailOn::Ghost => finding.class.is_ghost(),
            FailOn::Class(class) => finding.class == class,
        }
    }
}

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [FailOn] {
        const CLASSES: usize = Class::IN_LOGS.len();
        static NAMES: [FailOn; 4 + CLASSES] = {
            let mut names = [FailOn::Fault; 4 + CLASSES];
            names[1] = FailOn::Any;
            names[2] = FailOn::Nothing;
            names[3] = FailOn::Ghost;
            let mut at = 0;
            while at < CLASSES {
                names[4 + at] = FailOn::Class(Class::IN_LOGS[at]);
                at += 1;
            }
            names
        };
        &NAMES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = match self {
            FailOn::Fault => PossibleValue::new("fault").help("what did harm or lasted"),
            FailOn::Any => PossibleValue::new("any").help("every finding, notes too"),
            FailOn::Nothing => PossibleValue::new("none").help("nothing"),
            FailOn::Ghost => PossibleValue::new("ghost").help("the five ghost classes, notes too"),
            FailOn::Class(class) => PossibleValue::new(class.name()),
        };
        Some(value)
    }
}

/// One name given to `--fail-on` of `polter scan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanFailOn {
    /// Every finding that is not a note.
    Fault,
    /// Every finding.
    Any,
    /// Nothing.
    Nothing,
    /// The four ghosts.
    Ghost,
    /// One class.
    Class(Class),
}

impl ScanFailOn {
    /// True if one of the names matches a finding of the report.
    pub(crate) fn is_met(names: &[ScanFailOn], report: &polter_scan::Report) -> bool {
        let matches = |finding| names.iter().any(|name| name.matches(finding));
        report.findings.iter().any(matches)
    }

    fn matches(self, finding: &polter_scan::Finding) -> bool {
        match self {
            ScanFailOn::Fault => finding.severity == Severity::Fault,
            ScanFailOn::Any => true,
            ScanFailOn::Nothing => false,
            ScanFailOn::Ghost => finding.class.is_ghost(),
            ScanFailOn::Class(class) => finding.class == class,
        }
    }
}

impl ValueEnum for ScanFailOn {
    fn value_variants<'a>() -> &'a [ScanFailOn] {
        const CLASSES: usize = Class::IN_PROCESSES.len();
        static NAMES: [ScanFailOn; 4 + CLASSES] = {
            let mut names = [ScanFailOn::Fault; 4 + CLASSES];
            names[1] = ScanFailOn::Any;
            names[2] = ScanFailOn::Nothing;
            names[3] = ScanFailOn::Ghost;
            let mut at = 0;
            while at < CLASSES {
                names[4 + at] = ScanFailOn::Class(Class::IN_PROCESSES[at]);
                at += 1;
            }
            names
        };
        &NAMES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = match self {
            ScanFailOn::Fault => PossibleValue::new("fault").help("what does harm"),
            ScanFailOn::Any => PossibleValue::new("any").help("every finding, notes too"),
            ScanFailOn::Nothing => PossibleValue::new("none").help("nothing"),
            ScanFailOn::Ghost => PossibleValue::new("ghost").help("the four ghost classes"),
            ScanFailOn::Class(class) => PossibleValue::new(class.name()),
        };
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_fault_is_what_did_harm() {
        check(&["fault"], true);
        check(&["none"], false);
        check(&["any"], true);
    }

    #[test]
    fn a_class_counts_however_mild() {
        check(&["fork-ghost"], true);
        check(&["epoll-as-kcmp"], true);
        check(&["event-theft"], false);
        check(&["event-theft", "ghost"], true);
    }

    #[test]
    fn a_clean_verdict_meets_nothing() {
        let clean = sample::clean();
        assert!(!FailOn::is_met(FailOn::value_variants(), &clean));
    }

    #[track_caller]
    fn check(names: &[&str], expected: bool) {
        let names: Result<Vec<FailOn>, String> = names
            .iter()
            .map(|name| FailOn::from_str(name, false))
            .collect();
        assert_eq!(
            FailOn::is_met(&names.unwrap(), &sample::haunted()),
            expected
        );
    }
}
