//! What the judge says: plain values, for a report or for JSON.
//!
//! Text in here comes from the log and may hold anything: whoever prints it escapes it.

mod finding;
mod gap;
mod log_time;
mod news;
mod policy;
mod summary;

/// What is wrong, and how it came about.
pub use finding::{Finding, Instance, KeptBy, Site, Step};
/// What the log does not show.
pub use gap::{Gap, GapKind};
/// The time of a line.
pub use log_time::LogTime;
/// What is new about a finding while the log grows.
pub use news::{News, Standing};
/// What a policy would change.
pub use policy::{Break, Broken, Outcome, PolicyVerdict};
pub use polter_class::{Class, Severity};
/// The whole verdict, and what was read for it.
pub use summary::{LogSummary, Verdict, Warning};
