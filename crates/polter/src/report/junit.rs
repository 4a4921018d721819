//! Verdicts as JUnit's test cases: a suite a log, a case a class.
//!
//! | in the log | the class's case |
//! |---|---|
//! | a finding that `--fail-on` names | failed |
//! | other findings of the class | passed, and says them |
//! | none, and the log shows all that a verdict needs | passed |
//! | none, and it does not | skipped: not known; and the suite's first case is an error |

use std::fmt::Write as _;
use std::io::{self, Write};

use polter_class::{Class, Severity};
use polter_judge::{Finding, Verdict};

use super::judged::{Judged, key_step};
use super::words::{clean, number};
use super::xml::{self, Case, Ending, Suite};
use crate::fail_on::FailOn;

/// The case that says whether the log tells enough.
const ENOUGH: &str = "the log shows all that a verdict needs";

/// Writes all logs as one document.
pub(crate) fn write(
    out: &mut dyn Write,
    all: &[Judged],
    fail_on: &[FailOn],
    is_strict: bool,
) -> io::Result<()> {
    let suites = all.iter().map(|judged| suite(judged, fail_on, is_strict));
    xml::write(out, &suites.collect::<Vec<_>>())
}

fn suite(judged: &Judged, fail_on: &[FailOn], is_strict: bool) -> Suite {
    let missing = missing(judged, is_strict);
    let enough = match &missing {
        Some(why) => Ending::Error(why.clone()),
        None => Ending::Passed(judged.unfollowed().map(|remark| remark.text)),
    };
    let verdict = judged.verdict.as_ref().ok();
    let classes = verdict.into_iter().flat_map(|verdict| {
        let missing = missing.as_deref();
        Class::IN_LOGS.map(|class| {
            (
                class.name(),
                ending(class, verdict, judged, fail_on, missing),
            )
        })
    });
    let cases = [(ENOUGH, enough)].into_iter().chain(classes);
    let name = judged.name();
    let cases = cases.map(|(of, ending)| Case {
        class: format!("polter: {name}"),
        name: of.to_owned(),
        file: Some(name.clone()),
        ending,
    });
    Suite {
        cases: cases.collect(),
        name: name.clone(),
    }
}

/// What a verdict would need and does not have; `None` if it has all.
fn missing(judged: &Judged, is_strict: bool) -> Option<String> {
    let unfollowed = judged.unfollowed().filter(|_| is_strict);
    let remarks = judged.remarks().into_iter().chain(unfollowed);
    let texts: Vec<String> = remarks.map(|remark| remark.text).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn ending(
    class: Class,
    verdict: &Verdict,
    judged: &Judged,
    fail_on: &[FailOn],
    missing: Option<&str>,
) -> Ending {
    let of_it: Vec<&Finding> = verdict
        .findings
        .iter()
        .filter(|finding| finding.class == class)
        .collect();
    let text = of_it
        .iter()
        .map(|finding| told(&judged.name(), finding))
        .collect::<Vec<_>>()
        .join("\n");
    let failing = of_it
        .iter()
        .find(|finding| FailOn::names(fail_on, finding.class, finding.severity));
    match (failing, missing) {
        (Some(finding), _) => Ending::Failed {
            message: Some(title(finding)),
            text: format!("{}\n\n{text}", class.summary()),
        },
        (None, _) if !of_it.is_empty() => Ending::Passed(Some(text)),
        (None, Some(why)) => Ending::Skipped(format!("not known: {why}")),
        (None, None) => Ending::Passed(None),
    }
}

fn title(finding: &Finding) -> String {
    format!(
        "process {}, fd {}: {}",
        finding.pid,
        finding.fd,
        clean(&finding.summary)
    )
}

/// A finding at length: its place, its sentence, the steps that led to it, and the fix.
fn told(name: &str, finding: &Finding) -> String {
    let place = key_step(finding).map_or_else(String::new, |step| format!(":{}", step.site.line));
    let mild = match finding.severity {
        Severity::Fault => "fault",
        Severity::Note => "note",
    };
    let mut text = format!("{name}{place}: {mild}: {}\n", title(finding));
    for step in &finding.story {
        let (what, call) = (clean(&step.what), clean(&step.site.text));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  line {}  {}  {call}   {what}",
            step.site.line, step.site.pid
        );
        for frame in super::frames::shown(&step.site.stack) {
            let _ = writeln!(text, "    > {}", clean(frame));
        }
    }
    let _ = writeln!(text, "  fix: {}", clean(&finding.fix));
    if finding.repeated > 0 {
        let _ = writeln!(
            text,
            "  repeated: {} more of the same",
            number(finding.repeated)
        );
    }
    text
}

#[cfg(test)]
mod tests;
