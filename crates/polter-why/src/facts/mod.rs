//! What was seen of a process in the window: plain values, without a judgement.
//!
//! | file | holds |
//! |---|---|
//! | `thread` | what each thread did, and how long |
//! | `frame` | a function that a thread slept in |
//! | `file` | the state of each file that could be asked, look by look |
//! | `calls` | calls and reports, where the kernel counted them |
//! | `place` | the container, pod or unit that the process is in |
//! | `process` | all of these, for one process |

mod calls;
mod file;
mod frame;
mod place;
mod process;
mod thread;

/// Calls and reports, as the kernel counted them.
pub use calls::{CallCounts, Counted, Reported};
/// A file, look by look.
pub(crate) use file::noun_of;
pub use file::{Backlog, FileFacts, Holder, Other};
/// A function that a thread slept in.
pub use frame::{Origin, UserFrame};
/// Where a process belongs.
pub use place::Place;
/// Everything that was seen of one process.
pub use process::{Facts, FdLimit};
/// What a thread did.
pub(crate) use thread::BUSY;
pub use thread::{Activity, ThreadFacts};
