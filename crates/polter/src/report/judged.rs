//! What came of a log: its verdict, or why there is none. Reports for CI are made of these, all logs in one document.

use std::path::{Path, PathBuf};

use polter_judge::{Finding, Step, Verdict};

use super::words::{clean, counted};
use crate::exit::Exit;

/// A log that was judged, or could not be.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Its name.
    pub(crate) path: PathBuf,
    /// The verdict, or why there is none.
    pub(crate) verdict: Result<Verdict, String>,
    /// Why the verdict is not on the whole log, if compressed data was cut short or damaged.
    pub(crate) damage: Option<String>,
    /// How it ended.
    pub(crate) exit: Exit,
}

/// Something a report for CI must say although it is no finding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The sentence, safe to show.
    pub(crate) text: String,
    /// The line it is about, if it is about one.
    pub(crate) line: Option<u64>,
}

impl Judged {
    /// A log that has no verdict.
    pub(crate) fn failed(path: &Path, why: &str) -> Judged {
        Judged {
            path: path.to_owned(),
            verdict: Err(why.to_owned()),
            damage: None,
            exit: Exit::Error,
        }
    }

    /// The name, safe to show.
    pub(crate) fn name(&self) -> String {
        clean(&self.path.to_string_lossy())
    }

    /// What keeps the verdict from being one on all that happened.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        let whole = |text: &str| Remark {
            text: clean(text),
            line: None,
        };
        let verdict = match &self.verdict {
            Ok(verdict) => verdict,
            Err(why) => return vec![whole(why)],
        };
        let gaps = verdict.gaps.iter().map(|gap| Remark {
            text: clean(&format!("{}; {}", gap.summary, gap.advice)),
            line: gap.line,
        });
        let damage = self
            .damage
            .iter()
            .map(|what| whole(&format!("{what}; what came before is judged")));
        gaps.chain(damage).collect()
    }

    /// The lines that could not be followed, as a sentence; `None` if all could.
    pub(crate) fn unfollowed(&self) -> Option<Remark> {
        let log = &self.verdict.as_ref().ok()?.log;
        let first = log.warnings.first()?;
        let count = counted(log.warning_count, "line");
        let text = format!("{count} could not be followed, first: {}", first.message);
        Some(Remark {
            text: clean(&text),
            line: Some(first.line),
        })
    }
}

/// The step at which a finding came to light: its last one.
pub(crate) fn key_step(finding: &Finding) -> Option<&Step> {
    finding.story.last()
}
