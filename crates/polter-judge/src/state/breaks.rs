//! What the other worlds break and mend, one registration at a time.
//!
//! A registration has an id that is never used again, and an epitem in each world. The two together say if a world
//! still has it: the epitem's slot may hold another registration by now.

use super::world::KEPT_BREAKS;
use super::world_set::WorldSet;
use super::worlds::Worlds;
use crate::verdict::Break;
use eventpoll::{Dies, EpitemId, Fd, Tid};

impl Worlds {
    /// Finds a new registration in each world, and remembers its id there.
    pub(crate) fn record_registration(
        &mut self,
        history: u64,
        tid: Tid,
        epfd: Fd,
        fd: Fd,
    ) -> Vec<Option<EpitemId>> {
        let ids = self.worlds.iter_mut().map(|world| {
            let kernel = &world.kernel;
            let epoll = kernel.epoll_of(kernel.fd(tid, epfd)?)?;
            let id = kernel
                .find_registration(tid, epoll, kernel.fd(tid, fd)?, fd)?
                .id;
            let slot = id.slot();
            if slot >= world.history_of.len() {
                world.history_of.resize(slot + 1, 0);
            }
            world.history_of[slot] = history;
            Some(id)
        });
        ids.collect()
    }

    /// Those of the worlds in `of` that no longer have a registration. Linux's is never one of them.
    pub(crate) fn lacking(&self, history: u64, ids: &[Option<EpitemId>], of: WorldSet) -> WorldSet {
        let mut lacking = WorldSet::default();
        for index in 1..self.worlds.len() {
            if of.has(index) && ids[index].is_some() && !self.has(index, history, ids) {
                lacking.insert(index);
            }
        }
        lacking
    }

    /// The worlds that have a registration, without Linux's.
    pub(crate) fn having(&self, history: u64, ids: &[Option<EpitemId>]) -> WorldSet {
        let mut having = WorldSet::default();
        for index in 1..self.worlds.len() {
            if self.has(index, history, ids) {
                having.insert(index);
            }
        }
        having
    }

    /// Those of the given worlds whose policy removes other processes' registrations when a slot is cleared.
    pub(crate) fn removing_worlds(&self, worlds: WorldSet, is_exit: bool) -> WorldSet {
        let mut removal = WorldSet::default();
        for (index, world) in self.worlds.iter().enumerate().skip(1) {
            if worlds.has(index) && world.kernel.policy().removes_others(is_exit) {
                removal.insert(index);
            }
        }
        removal
    }

    /// Something would break in these worlds in another order of calls.
    pub(crate) fn note_other_order(&mut self, worlds: WorldSet, break_fn: impl Fn() -> Break) {
        for index in worlds.iter() {
            let verdict = &mut self.worlds[index].verdict;
            verdict.other_order_count += 1;
            if verdict.other_order.len() < KEPT_BREAKS {
                verdict.other_order.push(break_fn());
            }
        }
    }

    /// Some breaks of a registration depend on the order of calls that the log happens to have.
    pub(crate) fn note_dependence(&mut self, world: usize, history: u64, breaks: u64) {
        let world = &mut self.worlds[world];
        world.verdict.order_count += breaks;
        for (broken, of_registration) in world.verdict.breaks.iter_mut().zip(&world.broken) {
            broken.depends_on_order |= breaks > 0 && *of_registration == history;
        }
    }

    /// True if a world still has a registration. Both are compared: the slot may hold another registration by now.
    pub(crate) fn has(&self, index: usize, history: u64, ids: &[Option<EpitemId>]) -> bool {
        let world = &self.worlds[index];
        ids[index].is_some_and(|id| {
            world.history_of[id.slot()] == history && world.kernel.is_registered(id)
        })
    }

    /// A registration became a ghost in Linux's world. The worlds that had it and no longer do have mended that.
    pub(crate) fn note_ghost(&mut self, history: u64, ids: &[Option<EpitemId>]) -> WorldSet {
        let mut mended = WorldSet::default();
        for index in 1..self.worlds.len() {
            if ids[index].is_some() && !self.has(index, history, ids) {
                self.worlds[index].verdict.mended_ghosts += 1;
                mended.insert(index);
            }
        }
        mended
    }

    /// The names of some worlds' policies.
    pub(crate) fn policies_of(&self, set: WorldSet) -> Vec<String> {
        let worlds = self.worlds.iter().enumerate();
        let named = worlds.filter(|(index, _)| set.has(*index));
        named
            .map(|(_, world)| world.verdict.policy.clone())
            .collect()
    }

    /// The policies under which a registration ends with its fd: all but Linux's own, and those that end it as Linux does.
    pub(crate) fn ending_with_the_fd(&self) -> Vec<String> {
        let worlds = self.worlds.iter();
        let named = worlds.filter(|world| world.kernel.policy().dies != Dies::LastReference);
        named.map(|world| world.verdict.policy.clone()).collect()
    }

    /// A ghost that is not registered in the model, or its events. Every policy but Linux's ends a registration with
    /// its fd, so all of them mend it.
    pub(crate) fn note_unseen_ghost(&mut self, ghosts: u64, events: u64) {
        for world in &mut self.worlds {
            if world.kernel.policy().dies != Dies::LastReference {
                world.verdict.mended_ghosts += ghosts;
                world.verdict.mended_events += events;
            }
        }
    }

    /// An event was reported in Linux's world. The worlds without its registration lose it, or are spared it if it came
    /// from a ghost. Gives the worlds that lose it.
    pub(crate) fn note_event(
        &mut self,
        history: u64,
        ids: &[Option<EpitemId>],
        is_ghost: bool,
        refusals: WorldSet,
        break_fn: impl Fn() -> Break,
    ) -> WorldSet {
        let mut lost = WorldSet::default();
        for index in 1..self.worlds.len() {
            if refusals.has(index) || self.has(index, history, ids) {
                continue;
            }
            let world = &mut self.worlds[index];
            if is_ghost {
                world.verdict.mended_events += 1;
            } else {
                world.add_break(history, &break_fn);
                lost.insert(index);
            }
        }
        lost
    }
}
