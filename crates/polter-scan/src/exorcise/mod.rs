//! Removing a live process's ghosts, without stopping it.
//!
//! A registration's key is (file, fd). Whoever has the instance and the file may remove it, once
//! the file has that fd *in the caller's own table*:
//!
//! ```text
//!   target's table        holder's table        a thread's own, empty table
//!     3 ── instance ─────────────────────────────▶ copy (pidfd_getfd)
//!     4    closed           4 ── file ───────────▶ copy ──dup3──▶ 4
//!                                                  epoll_ctl(copy, DEL, 4)
//! ```
//!
//! | file | does |
//! |---|---|
//! | `plan` | the values: options, plan, steps, outcomes |
//! | `choose` | which registrations are removed, and why the others are not |
//! | `run` | makes a plan, rechecks it, carries it out |
//! | `carry_out` | the thread with a table of its own |
//! | `copies` | copies of the instance and of the ghost's file |
//! | `known/` | ghosts whose making was seen, removed at once and together |
//! | `remove` | one removal: ask, DEL, ask, put back |
//! | `tables` | whether an fd names the file in one of the tables that count |
//!
//! A registration in use is left alone: its fd is asked about just before the DEL and just after.
//! Between the two the program may bring the file back to its fd and use the registration again;
//! then it is put back as it was.
//!
//! A likely ghost is one that somebody else can name too, who sleeps in another call and did not
//! run while watched. It is removed if the process spins on it, or if the caller asks for that.
//! Whoever can name it must not have run since the plan was made, neither before the removal nor
//! after: else it is put back.
//!
//! With `in_table`, only one table counts. A forked child that keeps both the instance and the file
//! makes its parent's ghost look like its own registration. Then every holder loses it, and the
//! plan says who.

mod carry_out;
mod choose;
mod copies;
mod known;
mod plan;
mod remove;
mod run;
mod tables;

/// Removes ghosts whose making was seen.
pub use known::{KnownGhost, Queue, Removal, Remover};
/// The values of a removal.
pub use plan::{Options, Outcome, Plan, Step};
/// Makes a plan and carries it out.
pub use run::exorcise;
