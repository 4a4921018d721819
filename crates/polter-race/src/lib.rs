//! Searches the interleavings of a few tasks' calls for what can go wrong.
//!
//! ```text
//!   script ─▶ Race ─▶ Stepped ─▶ search: every state, by breadth ─▶ Report
//!                        │         └─ beyond the bound: walks, by a seed
//!                        └─ replay(schedule) ─▶ Run: the steps in words
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `script` | a script's setting, and the calls that race |
//! | `schedule` | whose turn it is: as text and back |
//! | `search` | every state up to the bounds, on one or more cores |
//! | `search::level` | the frontier: the states of one depth, and the cores that expand them |
//! | `search::visited` | the table of known states, and how each was reached first |
//! | `store` | states as numbers of shared components; steps looked up instead of taken |
//! | `sys` | the only `unsafe` code: advice on memory |
//! | `walk` | random schedules |
//! | `stateless` | every schedule without knowing a state again: the slow way, to compare |
//! | `replay` | one schedule, told |
//!
//! Knows no policy but Linux's own; prints nothing.
#![deny(unsafe_code)]

mod replay;
mod schedule;
mod script;
mod search;
pub mod stateless;
pub mod store;
mod sys;
mod walk;

pub use replay::{Run, replay, tidy};
pub use schedule::{Schedule, ScheduleError};
pub use script::{Race, RaceError};
pub use search::{Bounds, Covered, Found, Limit, Progress, Report, search};
pub use walk::{Walked, walk};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
