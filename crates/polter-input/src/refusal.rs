//! Why something is not judged: what it looks like, and what to do.

use std::fmt;

/// What was given in place of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What it looks like: `gzip data`.
    pub what: &'static str,
    /// What to do, as a short sentence.
    pub advice: &'static str,
}

impl Refusal {
    pub(crate) const fn new(what: &'static str, advice: &'static str) -> Refusal {
        Refusal { what, advice }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not a log of strace's: it looks like {}; {}",
            self.what, self.advice
        )
    }
}

impl std::error::Error for Refusal {}
