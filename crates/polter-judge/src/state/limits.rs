//! Limits that several parts of the state share. A log may be hostile, so everything that grows has one.

/// Most entries of each kind that are remembered: fds, races, leaks, thefts and the like.
pub(crate) const MAX_REMEMBERED: usize = 4096;

/// A ghost's history that has this many steps gets no more.
pub(crate) const KEPT_STEPS: usize = 12;
