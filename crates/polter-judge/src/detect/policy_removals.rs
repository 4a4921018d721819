//! Decides whether a policy's removal of a registration would be noticed in every order of calls.
//!
//! A policy can remove a registration because another process closed its fd. Whether the first process notices can
//! depend on which of the two was faster. So these calls become sync events (`state::happens_before`): the ADD of a
//! file that others have too, its DEL, and a close.
//!
//! ```text
//!   ADD in B ══▶ close in A ══▶ DEL in B     each happens before the next: breaks in any order
//!   ADD in B ──▶ close in A ──▶ DEL in B     one does not: breaks in this log's order
//!   ADD in B ══▶ DEL in B ──▶ close in A     by chance: breaks in another order
//!   close in A ──▶ ADD in B ══▶ DEL in B     the same
//! ```

use crate::input::Place;
use crate::judge::Judge;
use crate::state::{
    MAX_PAST, PastCall, PolicyRemoval, SyncEvent, WatchedSlot, WorldSet, not_found,
};
use eventpoll::{EpitemId, Fd, FileId};
use std::collections::VecDeque;

impl Judge {
    /// Makes a sync event of a call that a process has just made.
    pub(super) fn sync_event(&mut self, process: u32) -> Option<SyncEvent> {
        let (policy_removals, registrations) = (&self.policy_removals, &self.registrations);
        self.order.record(process, |used| {
            let events = policy_removals.sync_events();
            let events = events.chain(registrations.sync_events());
            events.for_each(|event| used.insert(event));
        })
    }

    /// A process has cleared slots: notes which of the others' registrations the policies removed by that.
    pub(crate) fn note_policy_removals<'a>(
        &mut self,
        watched: impl IntoIterator<Item = &'a WatchedSlot>,
        process: u32,
        is_exit: bool,
    ) {
        let (mut event, mut cleared) = (None, VecDeque::new());
        // Asked once for all slots: the exit of a child clears thousands.
        let removing = (self.worlds).removing_worlds(WorldSet::all(), is_exit);
        for slot in watched {
            self.note_overtaken_dels(slot, process, is_exit);
            if !removing.is_empty()
                && !self.policy_removals.open.is_full()
                && !self.order.is_ignored()
            {
                for id in &slot.others {
                    self.note_policy_removal(*id, slot, process, removing, &mut event);
                }
            }
            // Another process that has the file may register it next. This close could then come later.
            if !removing.is_empty() && self.worlds.base().references(slot.file) > 0 {
                // An exit can clear more slots than are remembered: the last ones are kept.
                if cleared.len() >= MAX_PAST {
                    cleared.pop_front();
                }
                cleared.push_back(slot);
            }
        }
        self.note_cleared(cleared, process, is_exit, event);
    }

    /// Notes the worlds in which the clearing of a slot has removed another process's registration.
    fn note_policy_removal(
        &mut self,
        id: EpitemId,
        slot: &WatchedSlot,
        process: u32,
        removing: WorldSet,
        event: &mut Option<SyncEvent>,
    ) {
        let history = self.registrations.get(id);
        let Some(history) = history.filter(|history| history.pid != process) else {
            return;
        };
        if !self.is_still_registered(id, slot) {
            return;
        }
        let (history_id, added) = (history.id, history.added);
        let is_after_add = added.is_none_or(|added| self.order.happens_before(added, process));
        let lacking = (self.worlds).lacking(history_id, &history.in_worlds, removing);
        for world in lacking.iter() {
            if self.policy_removals.open.has(history_id, world)
                || self.policy_removals.open.is_full()
            {
                continue;
            }
            *event = event.or_else(|| self.sync_event(process));
            if let Some(event) = *event {
                let removal = PolicyRemoval {
                    world,
                    event,
                    is_after_add,
                    breaks: 0,
                };
                (self.policy_removals.open).insert(history_id, id, slot.file, removal);
            }
        }
    }

    /// A process closes what another has registered and removed. If nothing puts the DEL first, then in another order
    /// the DEL would have found nothing.
    fn note_overtaken_dels(&mut self, slot: &WatchedSlot, process: u32, is_exit: bool) {
        if self.policy_removals.dels.is_empty() {
            return;
        }
        let born = self.made_on(slot.file);
        for past in self.policy_removals.dels.of_mut(slot.file, slot.fd) {
            if past.born != born
                || past.process == process
                || self.order.happens_before(past.event, process)
            {
                continue;
            }
            let late = self.worlds.removing_worlds(past.worlds, is_exit);
            if let Some(site) = &past.site {
                (self.worlds).note_other_order(late, || not_found(site.clone()));
            }
            past.worlds = past.worlds.without(late);
        }
    }

    /// Remembers cleared slots: a process that registers the file next may do so before the close in another order.
    fn note_cleared<'a>(
        &mut self,
        cleared: impl IntoIterator<Item = &'a WatchedSlot>,
        process: u32,
        is_exit: bool,
        mut event: Option<SyncEvent>,
    ) {
        let worlds = self.worlds.removing_worlds(WorldSet::all(), is_exit);
        for slot in cleared {
            event = event.or_else(|| self.sync_event(process));
            let Some(event) = event else { return };
            let (file, fd) = (slot.file, slot.fd);
            let site = None;
            let past = PastCall {
                file,
                born: self.made_on(file),
                fd,
                process,
                worlds,
                event,
                site,
            };
            self.policy_removals.closes.remember(past);
        }
    }

    /// A registration was made. If others have the file too, its ADD becomes a sync event. Closes that could come after
    /// it in another order would remove it: these are possible removals.
    pub(crate) fn note_shared_add(
        &mut self,
        history: u64,
        file: FileId,
        fd: Fd,
        process: u32,
    ) -> Option<SyncEvent> {
        self.policy_removals.dels.forget(file, fd, process);
        let mut worlds = WorldSet::default();
        let born = self.made_on(file);
        for past in self.policy_removals.closes.of(file, fd) {
            if past.born == born
                && past.process != process
                && !self.order.happens_before(past.event, process)
            {
                worlds = worlds.with(past.worlds);
            }
        }
        if !worlds.is_empty() {
            if self.policy_removals.possible.len() >= MAX_PAST {
                self.policy_removals.possible.pop_first();
            }
            self.policy_removals.possible.insert(history, worlds);
        }
        if self.worlds.base().references(file) < 2 {
            return None;
        }
        self.sync_event(process)
    }

    /// A process uses a registration. If the removal happens before this use, its breaks are certain.
    pub(crate) fn confirm_policy_removals(&mut self, history: u64, process: u32) {
        let order = &self.order;
        let is_certain = |removal: &PolicyRemoval| {
            removal.is_after_add && order.happens_before(removal.event, process)
        };
        self.policy_removals.open.confirm(history, is_certain);
    }

    /// A process did something that can end registrations in Linux's world: those of one file, or any. A removal that
    /// does not happen before this could have come later, so its breaks depend on the order.
    pub(crate) fn settle_policy_removals(&mut self, process: u32, file: Option<FileId>) {
        if self.policy_removals.open.is_empty() {
            return;
        }
        let (base, registrations) = (self.worlds.base(), &self.registrations);
        let has_ended = |id: u64, epitem: EpitemId| {
            let history = registrations.get(epitem);
            !base.is_registered(epitem) || history.is_none_or(|history| history.id != id)
        };
        let needs_full_scan = std::mem::take(&mut self.policy_removals.needs_full_scan);
        let file = file.filter(|_| !needs_full_scan);
        for (history, removal) in self.policy_removals.open.take_ended(file, has_ended) {
            if !removal.is_after_add || !self.order.happens_before(removal.event, process) {
                (self.worlds).note_dependence(removal.world, history, removal.breaks);
            }
        }
    }

    /// A process has cleared a slot of this file. Only the last reference ends registrations.
    pub(crate) fn settle_cleared(&mut self, process: u32, file: Option<FileId>, was_epoll: bool) {
        let Some(file) = file else { return };
        if self.worlds.base().references(file) == 0 || self.policy_removals.needs_full_scan {
            self.settle_policy_removals(process, Some(file).filter(|_| !was_epoll));
        }
    }

    /// The log is over. A registration that has not ended could not have ended before its removal. So its breaks are
    /// certain, if its ADD happens before the removal.
    pub(crate) fn end_policy_removals(&mut self) {
        for (history, removal) in self.policy_removals.open.take_ended(None, |_, _| true) {
            if !removal.is_after_add {
                (self.worlds).note_dependence(removal.world, history, removal.breaks);
            }
        }
    }

    /// A registration is removed by DEL. Remembers it if others have the file: their close could have come first.
    pub(crate) fn remember_del(
        &mut self,
        id: EpitemId,
        process: u32,
        worlds: WorldSet,
        place: &Place<'_>,
    ) {
        let Some(history) = self.registrations.get(id) else {
            return;
        };
        let (file, fd) = (history.file, history.fd);
        if worlds.is_empty() || self.worlds.base().references(file) < 2 {
            return;
        }
        if let Some(event) = self.sync_event(process) {
            let site = Some(place.site());
            let past = PastCall {
                file,
                born: self.made_on(file),
                fd,
                process,
                worlds,
                event,
                site,
            };
            self.policy_removals.dels.remember(past);
        }
    }

    /// The line a file was made on: it tells two files with the same id apart.
    fn made_on(&self, file: FileId) -> Option<u64> {
        self.labels.get(file)?.line
    }
}
