//! The report, as plain values: the findings, their classes, and the cost.
//!
//! Nothing here reads or judges: `classify` makes a report from a snapshot, and `spin` adds what
//! the processes cost while they were watched.

mod load;
mod report;
mod severity;

/// The load of a process while it was watched.
pub use load::{Busy, Load, Spin};
/// The kinds of fault, by the names that the judge uses too.
pub use polter_class::{Class, Severity};
/// The report and its findings.
pub use report::{Finding, Report};
/// The kinds of fault, and how bad each is.
pub(crate) use severity::severity;
