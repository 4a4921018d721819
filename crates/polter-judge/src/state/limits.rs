//! Limits that several parts of the state share. A log may be hostile, so everything that grows has one.

/// Remembered numbers, races and leaks of each kind.
pub(crate) const MAX_REMEMBERED: usize = 4096;

/// Steps of a ghost's story beyond which it gets no more.
pub(crate) const KEPT_STEPS: usize = 12;
