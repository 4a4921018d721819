//! Records the system calls that matter to epoll, as strace would write them, without stopping anybody.
//!
//! ```text
//!   tracepoints ─▶ record.bpf.c ─▶ ring ─▶ Record ─▶ Writer ─▶ lines of strace's form
//!                                   │                  │
//!                                   └── lost ──────────┴─▶ a comment, where it happened
//! ```
//!
//! | module | does |
//! |---|---|
//! | `kernel` | loads the programs, and reads the ring |
//! | `text` | writes a record as a line: decorations, arguments, halves of calls |
//! | `changes` | what records change, for a snapshot that is taken meanwhile |
//! | `makers` | who made a registration, and when it becomes a ghost |
//! | `reader` | reads the ring in a thread of its own, where ghosts are told when they are made |
//! | `stacks` | names the stacks that lead to a ghost |
//! | `tasks` | whose end was lost |
//! | `recorder` | both, for as long as somebody is recorded |
//!
//! A call that nobody else can see in the middle is one line. Any other one is split where another record came in
//! between, as strace splits it.

mod changes;
mod kernel;
mod makers;
mod reader;
mod recorder;
mod stacks;
mod tasks;
mod text;

/// What records change.
pub use changes::Change;
/// Who is recorded.
pub use kernel::Scope;
/// A registration that becomes a ghost.
pub use makers::MadeGhost;
/// A recording under way.
pub use recorder::{Recorder, Told};

/// Why the kernel does not record.
pub use polter_bpf::Refusal;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
