//! What is wrong, and what would be different under another policy. Each file adds its detectors to
//! [`Judge`](crate::Judge).
//!
//! The handlers call `note_…` when something happened that may matter later, and `found_…` when it is a finding
//! already. At the end of the log, `end_…` decides what was only suspected.

mod control;
mod dead_epolls;
mod gaps;
mod ghosts;
mod holders;
mod leaks;
mod policy_removals;
mod races;
mod sharing;
mod signalfds;
mod stale_fds;
mod sweeps;
mod symptoms;
mod unheeded;
mod unseen;

/// What a log does not show, in sentences.
pub(crate) use gaps::gaps;
