//! The report, as plain values: what is wrong, of which class, and what it costs.
//!
//! Nothing here reads or judges: `classify` makes a report from a snapshot, and `spin` adds what
//! the processes cost while they were watched.

mod class;
mod load;
mod report;

/// The kinds of fault, and how bad each is.
pub use class::{Class, Severity};
/// What a process used up while it was watched.
pub use load::{Busy, Load, Spin};
/// The report and its findings.
pub use report::{Finding, Report};
