//! The report, as plain values: the findings, their classes, and the cost.
//!
//! Nothing here reads or judges: `classify` makes a report from a snapshot, and `spin` adds what
//! the processes cost while they were watched.

mod class;
mod load;
mod report;

/// The kinds of fault, and how bad each is.
pub use class::{Class, Severity};
/// The load of a process while it was watched.
pub use load::{Busy, Load, Spin};
/// The report and its findings.
pub use report::{Finding, Report};
