//! A scan by `/proc`: list, read, compare, recheck.
//!
//! ```text
//!   list ─▶ names: which fds are one instance (kcmp)
//!        ─▶ instances: its registrations (fdinfo), and each fd's meaning in each holder's table
//!        ─▶ recheck: reads again what does not fit   (quiescence: no need if nobody has run)
//!        ─▶ held_by, holders: who has the file open (kcmp)
//! ```
//!
//! The processes run on meanwhile. An fd that does not name its file may be of a registration that
//! was removed, and whose fd was closed, between two reads. So only what all rechecks of the fd and
//! of the instance agree on is kept.

mod compare;
mod held_by;
mod holders;
mod instances;
mod list;
mod names;
mod quiescence;
mod recheck;
mod rows;
mod sorted;
mod take;
#[cfg(test)]
mod tests;
mod view;

/// Takes a snapshot through a tree of processes.
pub(crate) use take::take;
