//! One registration.

use crate::ids::{EpitemId, EpollId, Fd, FileId, TableId, WaitId};
use crate::list::Links;
use crate::policy::Key;
use crate::{Events, Kernel};

/// A file watched by an instance under a number. Linux: `struct epitem`.
///
/// It holds no reference on the file: it dies with it.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Epitem {
    pub(crate) epoll: EpollId,
    pub(crate) file: FileId,
    pub(crate) fd: Fd,
    /// The table it was added through. The key has it under some policies only.
    pub(crate) owner: TableId,
    /// What is watched.
    pub(crate) events: Events,
    /// The caller's word.
    pub(crate) data: u64,
    /// Its place on the file's wait queue. Linux: `pwqlist`.
    pub(crate) wait: Option<WaitId>,
    /// The next epitem of the same file and number, in another instance or of another owner.
    pub(crate) next_of_key: Option<EpitemId>,
    /// On the file's list. Linux: `fllink`.
    pub(crate) of_file: Links<EpitemId>,
    /// On the instance's interest list.
    pub(crate) of_epoll: Links<EpitemId>,
    /// On the ready list, the overflow list or a scan's own list. Linux: `rdllink`.
    pub(crate) ready: Links<EpitemId>,
    pub(crate) is_ready: bool,
    /// Arrived during a scan. Linux: `next != EP_UNACTIVE_PTR`.
    pub(crate) is_overflowing: bool,
}

impl Epitem {
    pub(crate) fn of_file(&mut self) -> &mut Links<EpitemId> {
        &mut self.of_file
    }

    pub(crate) fn of_epoll(&mut self) -> &mut Links<EpitemId> {
        &mut self.of_epoll
    }

    pub(crate) fn ready(&mut self) -> &mut Links<EpitemId> {
        &mut self.ready
    }
}

impl Kernel {
    /// The registration of `fd` → `file` in an instance, as `table`'s users
    /// see it. Linux: `ep_find`.
    #[inline]
    pub(crate) fn ep_find(
        &self,
        epoll: EpollId,
        file: FileId,
        fd: Fd,
        table: TableId,
    ) -> Option<EpitemId> {
        if self.files[file].epitems.is_empty() {
            return None;
        }
        let is_owned = self.policy.key == Key::TableFileFd;
        self.epitems_of_key(file, fd).find(|id| {
            let epitem = &self.epitems[*id];
            epitem.epoll == epoll && (!is_owned || epitem.owner == table)
        })
    }

    /// Every registration of a file under a number, in any instance.
    #[inline]
    pub(crate) fn epitems_of_key(
        &self,
        file: FileId,
        fd: Fd,
    ) -> impl Iterator<Item = EpitemId> + '_ {
        let first = self.keys.get(&(file, fd)).copied();
        std::iter::successors(first, |id| self.epitems[*id].next_of_key)
    }

    /// Linux: `ep_rbtree_insert`.
    pub(crate) fn index_epitem(&mut self, id: EpitemId) {
        let Epitem {
            epoll, file, fd, ..
        } = self.epitems[id];
        self.epitems[id].next_of_key = self.keys.insert((file, fd), id);
        self.epolls[epoll]
            .interest
            .push_back(id, &mut self.epitems, Epitem::of_epoll);
        self.epolls[epoll].count += 1;
    }

    /// Linux: `rb_erase_cached`.
    pub(crate) fn unindex_epitem(&mut self, id: EpitemId) {
        let Epitem {
            epoll,
            file,
            fd,
            next_of_key,
            ..
        } = self.epitems[id];
        let first = self.keys[&(file, fd)];
        if first == id {
            match next_of_key {
                Some(next) => self.keys.insert((file, fd), next),
                None => self.keys.remove(&(file, fd)),
            };
        } else {
            let before = self
                .epitems_of_key(file, fd)
                .find(|other| self.epitems[*other].next_of_key == Some(id));
            let before = before.expect("an epitem is on the chain of its key");
            self.epitems[before].next_of_key = next_of_key;
        }
        self.epolls[epoll]
            .interest
            .remove(id, &mut self.epitems, Epitem::of_epoll);
        self.epolls[epoll].count -= 1;
    }
}
