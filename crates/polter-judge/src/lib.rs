//! Replays a log in one model per policy: ghosts, and what each policy breaks or mends.
//!
//! | room | what |
//! |---|---|
//! | `input` | what a call did, read from its text; where it stands; what was captured before the log |
//! | `state` | one kernel for each policy, and what is known beside them: who is who, who made what, what came first |
//! | `handle` | the handlers, by kind of call: processes, descriptors, `epoll_ctl`, waits, messages |
//! | `detect` | the detectors: ghosts and other faults, what a policy breaks in which order, what the log does not show |
//! | `live` | the judge of a log that grows: findings while the programs run |
//! | `follow` | the log read again, with its findings known: what lived when around each of them |
//! | `verdict` | what is said in the end |
//!
//! [`Judge`] owns the state and passes each event of the log to its handler. [`LiveJudge`] feeds it line by line. `state` does not know it; `handle` and
//! `detect` add its methods.
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

mod detect;
mod follow;
mod handle;
mod input;
mod judge;
mod live;
mod state;
mod verdict;

pub use follow::{
    ExcerptLine, FileLife, FindingLives, Followed, HolderLife, MAX_FOLLOWED, MarkKind, Marks,
    Named, Now, NowFile, NowInstance, NowRegistration, NowTable, ProcessLife, RegistrationLife,
    RegistrationOf, Series, Span,
};
pub use input::{Past, PastInstance, PastName, PastProcess, PastRegistration};
pub use judge::Judge;
pub use live::LiveJudge;
pub use verdict::{
    Break, Broken, Class, Finding, Gap, GapKind, Instance, KeptBy, LogSummary, LogTime, News,
    Outcome, PolicyVerdict, Severity, Site, Standing, Step, Verdict, Warning,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
