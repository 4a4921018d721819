//! Registrations that a policy removes because another process closed the fd, and those it could have removed.
//!
//! `detect::policy_removals` decides what comes of them.

use super::open_removals::OpenRemovals;
use super::past_calls::PastCalls;
use super::sync_events::SyncEvent;
use super::world_set::WorldSet;
use eventpoll::{Fd, FileId};
use std::collections::BTreeMap;

/// The registrations that policies have removed, and those they would remove in another order of calls.
#[derive(Debug, Default)]
pub(crate) struct PolicyRemovals {
    /// Removed registrations that live in Linux's world.
    pub(crate) open: OpenRemovals,
    /// A registration may have ended by something that settles nothing itself. So the next settling looks through all
    /// removals, not only through those of one file.
    pub(crate) needs_full_scan: bool,
    /// The worlds in which a registration would be gone in another order, by its id: the oldest first.
    pub(crate) possible: BTreeMap<u64, WorldSet>,
    /// DELs of files that other processes have too.
    pub(crate) dels: PastCalls,
    /// Closes of files that other processes have too.
    pub(crate) closes: PastCalls,
}

impl PolicyRemovals {
    /// The sync events that are in use here.
    pub(crate) fn sync_events(&self) -> impl Iterator<Item = SyncEvent> {
        let past = self.dels.sync_events().chain(self.closes.sync_events());
        self.open.sync_events().chain(past)
    }

    /// True if a DEL of this file and fd is remembered.
    pub(super) fn has_del(&self, file: FileId, fd: Fd) -> bool {
        self.dels.has(file, fd)
    }

    /// Registrations may have ended by something that settles nothing itself.
    pub(crate) fn require_full_scan(&mut self) {
        self.needs_full_scan = true;
    }

    /// Something broke in these worlds because they lack the registration.
    pub(crate) fn note_breaks(&mut self, history: u64, worlds: WorldSet) {
        self.open.note_breaks(history, worlds);
    }

    /// A registration is used: gives the worlds in which this would fail in another order. Each use after the first
    /// gets none, so that a break counts once.
    pub(crate) fn take_possible(&mut self, history: u64) -> WorldSet {
        self.possible.remove(&history).unwrap_or_default()
    }
}
