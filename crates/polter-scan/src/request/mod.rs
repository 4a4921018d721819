//! The request: whose instances are asked for, by which way, and how much may be kept.

mod budget;
mod limits;
mod scope;

/// How much may still be kept, shared by several threads.
pub(crate) use budget::Budget;
/// The way that is asked for, and how much of a machine is kept.
pub use limits::{Choice, Limits};
/// Whose instances are asked for, and which processes that means.
pub use scope::Scope;
pub(crate) use scope::asked_for;
