//! `--fail-on`: which findings make the exit code 1.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use polter_class::{Class, Severity};
use polter_judge::Verdict;
use polter_scan::Report;

/// One name given to `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// Every fault.
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
    /// Reads a name: of a group, or of one of these classes. A log shows other classes than a running process.
    pub(crate) fn parser(classes: &'static [Class]) -> impl TypedValueParser<Value = FailOn> {
        let groups = [
            PossibleValue::new("fault").help("what does harm, or did harm, or lasts"),
            PossibleValue::new("any").help("every finding, notes too"),
            PossibleValue::new("none").help("nothing"),
            PossibleValue::new("ghost").help("the ghost classes, notes too"),
        ];
        let names = classes.iter().map(|class| PossibleValue::new(class.name()));
        let parser = PossibleValuesParser::new(groups.into_iter().chain(names));
        parser.map(|name| FailOn::named(&name, classes).expect("no other name is possible"))
    }

    fn named(name: &str, classes: &[Class]) -> Option<FailOn> {
        match name {
            "fault" => Some(FailOn::Fault),
            "any" => Some(FailOn::Any),
            "none" => Some(FailOn::Nothing),
            "ghost" => Some(FailOn::Ghost),
            name => {
                let class = classes.iter().find(|class| class.name() == name)?;
                Some(FailOn::Class(*class))
            }
        }
    }

    /// True if one of the names matches a finding of the verdict.
    ///
    /// The class of findings that the judge left out is not known, so only `any` counts them.
    pub(crate) fn is_met_by_log(names: &[FailOn], verdict: &Verdict) -> bool {
        let left_out = verdict.findings_left_out > 0 && names.contains(&FailOn::Any);
        let mut findings = verdict.findings.iter();
        left_out || findings.any(|it| FailOn::names(names, it.class, it.severity))
    }

    /// True if one of the names matches a finding of the report.
    pub(crate) fn is_met_by_scan(names: &[FailOn], report: &Report) -> bool {
        let mut findings = report.findings.iter();
        findings.any(|it| FailOn::names(names, it.class, it.severity))
    }

    /// True if one of the names is of a finding of this class and severity.
    pub(crate) fn names(names: &[FailOn], class: Class, severity: Severity) -> bool {
        names.iter().any(|name| match name {
            FailOn::Fault => severity == Severity::Fault,
            FailOn::Any => true,
            FailOn::Nothing => false,
            FailOn::Ghost => class.is_ghost(),
            FailOn::Class(named) => class == *named,
        })
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
        let all = [FailOn::Any, FailOn::Fault, FailOn::Ghost];
        assert!(!FailOn::is_met_by_log(&all, &clean));
    }

    #[track_caller]
    fn check(names: &[&str], expected: bool) {
        let named = |name: &&str| FailOn::named(name, &Class::IN_LOGS).expect("a name");
        let names: Vec<FailOn> = names.iter().map(named).collect();
        assert_eq!(FailOn::is_met_by_log(&names, &sample::haunted()), expected);
    }
}
