//! The reports for people, never wider than [`WIDTH`] columns.
//!
//! ```text
//!    headline        the log's size, and what could not be seen
//!    finding …       the fault, how it came about, what to do
//!    gaps            missing parts of the log, and how to record them
//!    policies        the effect of each policy
//!    warnings        lines that could not be followed
//! ```

mod exorcism;
mod finding;
mod gaps;
mod headline;
mod policies;
mod scan;
mod story;
pub(crate) mod style;
mod warnings;
mod why;

use std::io::{self, Write};

use polter_judge::Verdict;

pub(crate) use exorcism::{write as write_exorcism, write_cost, write_sum};
pub(crate) use scan::write as write_scan;
pub(crate) use why::{write as write_why, write_more};

/// The most columns of a report.
pub(crate) const WIDTH: usize = 100;

/// Writes the report on the log of this name.
pub(crate) fn write(out: &mut dyn Write, name: &str, verdict: &Verdict) -> io::Result<()> {
    headline::write(out, name, verdict)?;
    for (index, finding) in verdict.findings.iter().enumerate() {
        finding::write(out, index + 1, finding)?;
    }
    finding::write_left_out(out, verdict.findings_left_out)?;
    gaps::write(out, &verdict.gaps)?;
    policies::write(out, &verdict.policies)?;
    warnings::write(out, &verdict.log)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{sample, words};

    #[test]
    fn several_findings() {
        insta::assert_snapshot!(check(&sample::haunted()));
    }

    #[test]
    fn a_clean_log_says_so_in_a_line() {
        insta::assert_snapshot!(check(&sample::clean()));
    }

    #[test]
    fn a_log_with_gaps_is_not_called_clean() {
        insta::assert_snapshot!(check(&sample::gappy()));
    }

    #[test]
    fn nothing_from_the_log_reaches_the_terminal_raw() {
        let report = check(&sample::hostile());
        assert!(!report.contains(['\u{7}', '\u{9b}', '\u{202e}', '\r']));
    }

    #[track_caller]
    fn check(verdict: &Verdict) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out, "server.strace", verdict).unwrap();
        let report = String::from_utf8(out.into_inner()).unwrap();
        assert!(!report.contains('\u{1b}'));
        for line in report.lines() {
            assert!(words::width(line) <= WIDTH, "too wide: {line}");
            assert_eq!(line, line.trim_end());
        }
        report
    }
}
