//! What is new about a finding while the log still grows.

use super::finding::Finding;
use super::log_time::LogTime;

/// Something that is new since it was last asked for: a finding, or a change of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The finding's number, from 1. It is never used again.
    pub id: u64,
    /// True the first time: this number was not told before.
    pub is_first: bool,
    /// How sure it is.
    pub standing: Standing,
    /// When the line was written that brought the finding to light, if the log says so.
    pub found: Option<LogTime>,
    /// The name of the process, as far as the log shows it.
    pub comm: Option<String>,
    /// The finding as it is now.
    pub finding: Finding,
}

/// How sure a finding is that was told before the log is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has lasted for a while; it is taken back if the program still does what is missing.
    Suspected,
    /// It is in the verdict.
    Found,
    /// It was suspected, and is no finding after all; or others like it stand for it.
    Withdrawn,
}
