//! Replays a log in one model per policy: ghosts, and what each policy breaks or mends.
#![forbid(unsafe_code)]

mod judge;
mod verdict;

pub use judge::Judge;
pub use verdict::{
    Break, Broken, Class, Finding, Instance, KeptBy, LogSummary, PolicyVerdict, Severity, Site, Step, Verdict, Warning,
};
