//! The kernel walk: every table and every registration, as the kernel itself has them.
//!
//! ```text
//!   walk.bpf.c ─▶ load ─▶ records ─▶ Walk ─▶ what does not fit ─▶ confirm ─▶ Snapshot
//!                                     ▲  │
//!                                     └──┘ once more, where a file's list and
//!                                          an instance's tree disagree
//! ```
//!
//! | file | does |
//! |---|---|
//! | `take` | takes a snapshot this way |
//! | `load` | loads the programs, and runs them |
//! | `record` | reads what the programs write |
//! | `walk`, `table`, `dispute` | keep one walk, and find where it contradicts itself |
//! | `assemble` | makes processes and instances of it |
//! | `confirm` | asks the kernel again about every registration that does not fit |
//!
//! A file is known by its address here, not by its inode, so eventfds need no `kcmp`. The walk
//! takes none of epoll's locks, so a single walk accuses nobody: whatever does not fit is asked
//! about again (registration, fd, registration), until two answers in a row agree.

mod assemble;
mod confirm;
mod dispute;
mod load;
mod record;
mod table;
mod take;
mod walk;

/// The programs of the walk, loaded into the kernel.
pub(crate) use load::Programs;
/// Takes a snapshot by a walk in the kernel.
pub(crate) use take::take;
