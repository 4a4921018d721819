//! Registrations that live in Linux's world and are gone in another, by registration and by file.
//!
//! Every event and every close asks for its own, and most have none. So both questions are one look-up.

use super::sync_events::SyncEvent;
use super::world_set::WorldSet;
use eventpoll::{EpitemId, FileId};
use rustc_hash::FxHashMap;

/// Most removals that wait for their registration's end. Beyond it, the log's order counts as the only one.
const MAX_OPEN: usize = 1024;

/// The policy removals whose registration still lives in Linux's world.
#[derive(Debug, Default)]
pub(crate) struct OpenRemovals {
    by_history: FxHashMap<u64, OfRegistration>,
    by_file: FxHashMap<FileId, Vec<u64>>,
    /// How many removals there are; one registration can have one in each world.
    count: usize,
}

/// The removals of one registration.
#[derive(Debug)]
struct OfRegistration {
    id: EpitemId,
    file: FileId,
    removals: Vec<PolicyRemoval>,
}

/// A policy has removed a registration in its world.
#[derive(Debug)]
pub(crate) struct PolicyRemoval {
    pub(crate) world: usize,
    pub(crate) event: SyncEvent,
    /// The registration's ADD happens before the removal.
    pub(crate) is_after_add: bool,
    /// How much broke by it since.
    pub(crate) breaks: u64,
}

impl OpenRemovals {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// True if no more can be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.count >= MAX_OPEN
    }

    pub(crate) fn has(&self, history: u64, world: usize) -> bool {
        let of_registration = self.by_history.get(&history);
        of_registration.is_some_and(|of| of.removals.iter().any(|removal| removal.world == world))
    }

    pub(crate) fn insert(
        &mut self,
        history: u64,
        id: EpitemId,
        file: FileId,
        removal: PolicyRemoval,
    ) {
        let of_registration = self.by_history.entry(history).or_insert_with(|| {
            self.by_file.entry(file).or_default().push(history);
            OfRegistration {
                id,
                file,
                removals: Vec::new(),
            }
        });
        of_registration.removals.push(removal);
        self.count += 1;
    }

    pub(crate) fn sync_events(&self) -> impl Iterator<Item = SyncEvent> {
        let removals = self.by_history.values().flat_map(|of| &of.removals);
        removals.map(|removal| removal.event)
    }

    /// Something broke in these worlds because they lack the registration.
    pub(crate) fn note_breaks(&mut self, history: u64, worlds: WorldSet) {
        if worlds.is_empty() {
            return;
        }
        let of_registration = self.by_history.get_mut(&history);
        let removals = of_registration.into_iter().flat_map(|of| &mut of.removals);
        for removal in removals.filter(|removal| worlds.has(removal.world)) {
            removal.breaks += 1;
        }
    }

    /// Drops the removals of a registration that happen in every order: their breaks are certain.
    pub(crate) fn confirm(&mut self, history: u64, is_certain_fn: impl Fn(&PolicyRemoval) -> bool) {
        let Some(of_registration) = self.by_history.get_mut(&history) else {
            return;
        };
        let before = of_registration.removals.len();
        of_registration
            .removals
            .retain(|removal| !is_certain_fn(removal));
        self.count -= before - of_registration.removals.len();
        if of_registration.removals.is_empty() {
            self.remove(history);
        }
    }

    /// Takes out the removals whose registration has ended: of one file, or of all.
    pub(crate) fn take_ended(
        &mut self,
        file: Option<FileId>,
        has_ended_fn: impl Fn(u64, EpitemId) -> bool,
    ) -> Vec<(u64, PolicyRemoval)> {
        let has_ended = |history: &u64| has_ended_fn(*history, self.by_history[history].id);
        let ended: Vec<u64> = match file {
            Some(file) => {
                let registrations = self.by_file.get(&file).into_iter().flatten();
                registrations.copied().filter(has_ended).collect()
            }
            None => self.by_history.keys().copied().filter(has_ended).collect(),
        };
        let ended = ended.into_iter().flat_map(|history| {
            let removals = self.remove(history).into_iter();
            removals.map(move |removal| (history, removal))
        });
        ended.collect()
    }

    fn remove(&mut self, history: u64) -> Vec<PolicyRemoval> {
        let Some(of_registration) = self.by_history.remove(&history) else {
            return Vec::new();
        };
        self.count -= of_registration.removals.len();
        if let Some(registrations) = self.by_file.get_mut(&of_registration.file) {
            registrations.retain(|other| *other != history);
            if registrations.is_empty() {
                self.by_file.remove(&of_registration.file);
            }
        }
        of_registration.removals
    }
}
