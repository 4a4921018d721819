//! From what was seen to causes: why a process spins, and why it is deaf.
//!
//! | file | finds |
//! |---|---|
//! | `class` | the kinds of cause, by one name each |
//! | `case` | one process, with its instances and registrations |
//! | `counted` | what makes it spin, by the kernel's count of calls and reports |
//! | `looked` | the same without that count, by the state of its files at every look |
//! | `accept` | a listener at the fd limit, and a herd |
//! | `heed` | what a program did with an fd that was reported |
//! | `deaf` | input that waits, and why nobody is told of it |
//! | `unheeded` | a reported event and nobody acts on it, in words |
//!
//! All of it is a function of plain values: nothing here reads `/proc` or asks the kernel.

mod accept;
mod case;
mod class;
mod counted;
mod deaf;
mod heed;
mod looked;
mod unheeded;

use polter_scan::Sureness;
use serde::Serialize;

use crate::facts::ThreadFacts;

/// One process, with what was seen of it.
pub(crate) use case::Case;
/// The kinds of cause.
pub use class::CauseClass;
pub(crate) use deaf::deaf;

/// Why a process spins, or why it is deaf.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    /// The kind of cause.
    pub class: CauseClass,
    /// How sure it is.
    pub sureness: Sureness,
    /// The fd it is about; `None` if there is none.
    pub fd: Option<i32>,
    /// The process's fd for the instance; `None` if there is none.
    pub instance: Option<i32>,
    /// The cause in one or two sentences.
    pub summary: String,
    /// What was seen that says so; a sentence each.
    pub reasons: Vec<String>,
    /// What to change in the program, in one sentence.
    pub fix: String,
    /// A command that helps now; `None` if only a restart, or nothing, does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

impl Cause {
    /// True for a registration that outlives its fd.
    pub fn is_ghost(&self) -> bool {
        matches!(self.class, CauseClass::Ghost(_))
    }
}

/// What makes a process spin, the worst first; empty if it is busy and rightly so.
pub(crate) fn spinning(case: &Case<'_>) -> Vec<Cause> {
    let counted = case
        .facts
        .calls
        .as_ref()
        .map(|calls| counted::spinning(case, calls));
    match counted {
        // It hardly ran, so the count tells little: its files tell more.
        Some(causes) if causes.is_empty() && case.facts.busy().all(ThreadFacts::is_starved) => {
            looked::spinning(case)
        }
        Some(causes) => causes,
        None => looked::spinning(case),
    }
}
