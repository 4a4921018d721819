//! What is wrong, and what would be different under another policy: the judge's detectors.

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

pub(crate) use gaps::gaps;
