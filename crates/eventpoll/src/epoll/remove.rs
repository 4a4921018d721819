//! The ways out for an epitem.
//!
//! ```text
//!   A  ep_remove               DEL, a failed ADD, a policy's rule
//!   B  ep_clear_and_put        the instance's last reference
//!   C  eventpoll_release_file  the watched file's last reference
//! ```
//!
//! Each takes the same steps in the same order: off the wait queue, off the
//! file's list, off the instance's lists, freed. A step is a function of its
//! own, so that another task can run between two of them.

use super::Epitem;
use crate::abi::Dies;
use crate::store::{EpitemId, EpollId, Fd, FileId, TableId};
use crate::wait::Limit;
use crate::{Events, Kernel};

impl Kernel {
    /// Path A: one epitem, while its file and its instance live on. Linux: `ep_remove`.
    pub(crate) fn ep_remove(&mut self, id: EpitemId) {
        // Off the wait queue first: a callback that came later would put a freed epitem on the ready list.
        self.ep_remove_wait_queue(id);
        self.ep_unlink_file(id);
        self.ep_unlink_epoll(id);
        self.ep_free_epitem(id);
    }

    /// Path B: the instance's own file has no reference left.
    pub(crate) fn ep_clear_and_put(&mut self, epoll: EpollId) {
        // Whoever polls the instance learns that it goes, while it can still be polled.
        let pollers = self.epolls[epoll].pollers;
        self.wake(pollers, Limit::One, Events::IN);
        let epitems = self.epitems_of(epoll);
        // No callback may find the instance half gone.
        for id in &epitems {
            self.ep_remove_wait_queue(*id);
        }
        for id in epitems {
            self.ep_unlink_file(id);
            self.ep_unlink_epoll(id);
            self.ep_free_epitem(id);
        }
        let instance = self.epolls.remove(epoll);
        self.waits.destroy(instance.waiters);
        self.waits.destroy(instance.pollers);
    }

    /// Path C: a watched file has no reference left. Called before the file
    /// itself is released.
    pub(crate) fn eventpoll_release_file(&mut self, file: FileId) {
        while let Some(id) = self.files[file].epitems.first() {
            self.ep_remove_wait_queue(id);
            self.ep_unlink_file(id);
            self.ep_unlink_epoll(id);
            self.ep_free_epitem(id);
        }
    }

    /// First step: no wake-up reaches it any more. Linux: `ep_unregister_pollwait`.
    #[inline(always)]
    pub(crate) fn ep_remove_wait_queue(&mut self, id: EpitemId) {
        if let Some(place) = self.epitems[id].wait.take() {
            self.waits.remove(place);
        }
    }

    /// Second step: the file forgets it. Linux: under `f_lock`, `hlist_del_rcu(&epi->fllink)`.
    #[inline(always)]
    pub(crate) fn ep_unlink_file(&mut self, id: EpitemId) {
        let file = self.epitems[id].file;
        self.files[file]
            .epitems
            .remove(id, &mut self.epitems, Epitem::of_file);
    }

    /// Third step: the instance forgets it. Linux: `rb_erase_cached`, `list_del_init(&epi->rdllink)`.
    #[inline(always)]
    pub(crate) fn ep_unlink_epoll(&mut self, id: EpitemId) {
        self.unindex_epitem(id);
        let Epitem {
            epoll,
            is_ready,
            is_overflowing,
            ..
        } = self.epitems[id];
        if is_ready {
            self.epolls[epoll].unlink_ready(id, &mut self.epitems);
        }
        if is_overflowing {
            self.epolls[epoll].overflow.retain(|other| *other != id);
        }
    }

    /// Last step. Linux: `kfree_rcu(epi, rcu)`.
    #[inline(always)]
    fn ep_free_epitem(&mut self, id: EpitemId) {
        let owner = self.epitems.remove(id).owner;
        self.disown(owner);
    }

    /// An epitem stops to bear a table's name.
    #[inline(always)]
    pub(crate) fn disown(&mut self, owner: TableId) {
        // A table whose users are gone stays as a name while an epitem bears it: its slot in the arena, used again, would
        // make a stranger the owner.
        self.tables[owner].epitems -= 1;
        if self.tables[owner].users == 0 {
            self.forget_table(owner);
        }
    }

    /// A slot `fd` → `file` of `table` was cleared, and its reference not yet
    /// dropped: the moment at which some policies let epitems die.
    #[inline]
    pub(crate) fn slot_cleared(&mut self, table: TableId, fd: Fd, file: FileId, is_exiting: bool) {
        // A child's table is cleared fd by fd, and most have nothing to lose: the files are not even looked at.
        let can_die = match self.policy.dies {
            Dies::LastReference | Dies::AnySlot { .. } => self.policy.removes_others(is_exiting),
            Dies::OwnersSlot => self.tables[table].epitems > 0,
        };
        if !can_die || self.files[file].epitems.is_empty() {
            return;
        }
        let dying: Vec<EpitemId> = self
            .epitems_of_key(file, fd)
            .filter(|id| match self.policy.dies {
                Dies::LastReference | Dies::AnySlot { .. } => true,
                Dies::OwnersSlot => self.epitems[*id].owner == table,
            })
            .collect();
        for id in dying {
            self.ep_remove(id);
        }
    }
}
