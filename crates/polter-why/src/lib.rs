//! Why a process spins, and why it is deaf.
//!
//! ```text
//!   /proc, copies of fds ─▶ watch ─┐
//!                                  ├─▶ Facts ─▶ cause ─▶ Answer
//!   system calls, counted ▶ calls ─┘              ▲         ▲
//!                            polter-scan ─ ghosts ┘         │
//!   stacks of sleeping threads, copied ─▶ stacks ─ named ───┘
//! ```
//!
//! | room | holds |
//! |---|---|
//! | `facts` | what was seen in the window: plain values |
//! | `watch` | looks at threads and files, and has the kernel count |
//! | `calls` | the kernel's count of calls and reports |
//! | `stacks` | the functions of the program that its threads sleep in |
//! | `cause` | from facts to causes |
//! | `answer` | the answer, a process each |
//!
//! Most processes that spin have no ghost: a hang-up that nobody acts on, an `EPOLLOUT` left on, a timer that nobody
//! reads. An [`Answer`] names the registration and says what was seen. It is made without stopping the process.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use polter_scan::{Choice, Proc, Scope};
//! use polter_why::Answer;
//!
//! let scope = Scope::Pids(vec![4121]);
//! let answer = Answer::of(&Proc::live(), &scope, Choice::Auto, Duration::from_secs(1))?;
//! for process in &answer.processes {
//!     for cause in &process.causes {
//!         println!("{} {:?}: {}", cause.class.name(), cause.fd, cause.summary);
//!     }
//! }
//! # Ok::<(), polter_scan::ScanError>(())
//! ```
#![deny(unsafe_code)]

mod answer;
mod calls;
mod cause;
mod facts;
mod stacks;
mod watch;

pub use answer::{Answer, State, Told};
pub use cause::{Cause, CauseClass};
pub use facts::{
    Activity, Backlog, CallCounts, Counted, Facts, FdLimit, FileFacts, Holder, Origin, Other,
    Place, Reported, ThreadFacts, UserFrame,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
