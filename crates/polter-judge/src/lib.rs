//! Replays a log in one model per policy: ghosts, and what each policy breaks or mends.
//!
//! | module | holds |
//! |---|---|
//! | `judge` | from events of the log to their handlers |
//! | `deed`, `scan`, `site` | what a call did, read from its text, and where it stands |
//! | `worlds` | one kernel for each policy, all following the same log |
//! | `before` | what was there before the log, if somebody wrote it down |
//! | `tasks`, `labels`, `stories`, `batch`, `by_table`, `deferred` | what is known beside them: who is who, who made what |
//! | `lives`, `descriptors`, `messages`, `control`, `reports` | the handlers, by kind of call |
//! | `order`, `takings`, `taken`, `past` | which calls stand in their order by chance, and what breaks in one order only |
//! | `ghosts`, `keepers`, `unseen`, `heed`, `sharing`, `numbers`, `sweeps`, `races`, `leaks`, `symptoms` | the faults |
//! | `coverage`, `gaps` | what the log does not show |
//! | `book`, `verdict` | what is said in the end |
//!
//! ```
//! use eventpoll::Policy;
//!
//! let log = b"100 epoll_create1(0) = 3\n100 epoll_wait(3, [], 8, 0) = 0\n";
//! let mut judge = polter_judge::Judge::new(&Policy::ALL);
//! judge.read(&log[..], |_| {})?;
//! let verdict = judge.finish();
//! assert_eq!((verdict.log.instances, verdict.findings.len()), (1, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
mod before;
mod book;
mod by_table;
mod control;
mod coverage;
mod deed;
mod deferred;
mod descriptors;
mod gaps;
mod ghosts;
mod heed;
mod judge;
mod keepers;
mod labels;
mod leaks;
mod lives;
mod messages;
mod numbers;
mod order;
mod past;
mod races;
mod reports;
mod scan;
mod sharing;
mod shifted;
mod site;
mod stories;
mod sweeps;
mod symptoms;
mod taken;
mod takings;
mod tasks;
mod unseen;
mod verdict;
mod worlds;

pub use before::{Past, PastInstance, PastName, PastProcess, PastRegistration};
pub use gaps::{Gap, GapKind};
pub use judge::Judge;
pub use verdict::{
    Break, Broken, Class, Finding, Instance, KeptBy, LogSummary, Outcome, PolicyVerdict, Severity,
    Site, Step, Verdict, Warning,
};
