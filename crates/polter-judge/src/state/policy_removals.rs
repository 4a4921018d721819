//! Registrations that a policy removes because another process closed the fd, and those it could have removed.
//!
//! `detect::policy_removals` decides what comes of them.

use super::open_removals::Taken;
use super::past_calls::PastCalls;
use super::world_set::WorldSet;
use eventpoll::{Fd, FileId};
use std::collections::BTreeMap;

/// What has been taken, and what could have been.
#[derive(Debug, Default)]
pub(crate) struct Takings {
    /// Registrations that live in Linux's world and were taken in another.
    pub(crate) open: Taken,
    /// Something ended otherwise than by a call that is looked at for it: all are to be looked through.
    pub(crate) is_behind: bool,
    /// Registrations that would be gone in these worlds in another order, by story: the oldest first.
    pub(crate) possible: BTreeMap<u64, WorldSet>,
    /// DELs of files that others have too.
    pub(crate) removed: PastCalls,
    /// Closes of numbers of files that others have too.
    pub(crate) cleared: PastCalls,
}

impl Takings {
    /// True if a DEL of this file and number is remembered.
    pub(crate) fn has_removed(&self, file: FileId, fd: Fd) -> bool {
        self.removed.has(file, fd)
    }

    /// Registrations may have ended unseen.
    pub(crate) fn fall_behind(&mut self) {
        self.is_behind = true;
    }

    /// A registration's absence was felt in these worlds.
    pub(crate) fn felt(&mut self, story: u64, worlds: WorldSet) {
        self.open.felt(story, worlds);
    }

    /// A registration is used: where would its absence be felt in another order? Says so once.
    pub(crate) fn felt_in_another_order(&mut self, story: u64) -> WorldSet {
        self.possible.remove(&story).unwrap_or_default()
    }
}
