//! One registration.

use super::ready_list::Place;
use crate::abi::Key;
use crate::store::Links;
use crate::store::{EpitemId, EpollId, Fd, FileId, TableId, WaitId};
use crate::{Events, Kernel};
use std::hash::{Hash, Hasher};

/// A file watched by an instance under a number. Linux: `struct epitem`.
///
/// It holds no reference on the file: it dies with it.
#[derive(Debug, Clone)]
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
    /// The next keyed epitem of the same file and number, in another instance or of another owner.
    pub(crate) next_of_key: Option<EpitemId>,
    /// On the file's list. Linux: `fllink`.
    pub(crate) of_file: Links<EpitemId>,
    /// On the instance's interest list.
    pub(crate) of_epoll: Links<EpitemId>,
    /// Where it is on the ready list, or on a scan's own list. Linux: `rdllink`.
    pub(crate) place: Place,
    /// It is on one of them.
    pub(crate) is_ready: bool,
    /// Arrived during a scan. Linux: `next != EP_UNACTIVE_PTR`.
    pub(crate) is_overflowing: bool,
    /// Found by its key. Only a file's sole epitem may be without.
    pub(crate) is_keyed: bool,
}

/// Everything but `is_keyed` and `place`, which say how it is found, and nothing of what it is.
impl Hash for Epitem {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Epitem {
            epoll,
            file,
            fd,
            owner,
            events,
            data,
            wait,
            next_of_key,
            of_file,
            of_epoll,
            place: _,
            is_ready,
            is_overflowing,
            is_keyed: _,
        } = self;
        (epoll, file, fd, owner, events, data, wait, next_of_key).hash(state);
        (of_file, of_epoll, is_ready, is_overflowing).hash(state);
    }
}

impl Epitem {
    pub(crate) fn of_file(&mut self) -> &mut Links<EpitemId> {
        &mut self.of_file
    }

    pub(crate) fn of_epoll(&mut self) -> &mut Links<EpitemId> {
        &mut self.of_epoll
    }
}

impl Kernel {
    /// The registration of `fd` → `file` in an instance, as `table`'s users
    /// see it. Linux: `ep_find`.
    #[inline(always)]
    pub(crate) fn ep_find(
        &self,
        epoll: EpollId,
        file: FileId,
        fd: Fd,
        table: TableId,
    ) -> Option<EpitemId> {
        let is_owned = self.policy.key == Key::TableFileFd;
        if self.files[file].epitems.is_empty() {
            return None;
        }
        self.epitems_of_key(file, fd).find(|id| {
            let epitem = &self.epitems[*id];
            epitem.epoll == epoll && (!is_owned || epitem.owner == table)
        })
    }

    /// Every registration of a file under a number, in any instance.
    #[inline(always)]
    pub(crate) fn epitems_of_key(
        &self,
        file: FileId,
        fd: Fd,
    ) -> impl Iterator<Item = EpitemId> + '_ {
        let sole = self.files[file].epitems.first();
        let first = match sole.map(|id| (id, &self.epitems[id])) {
            Some((id, epitem)) if !epitem.is_keyed => (epitem.fd == fd).then_some(id),
            _ => self.first_of_key(file, fd),
        };
        std::iter::successors(first, |id| self.epitems[*id].next_of_key)
    }

    #[inline(never)]
    fn first_of_key(&self, file: FileId, fd: Fd) -> Option<EpitemId> {
        self.keys.get(&(file, fd)).copied()
    }

    /// The instance has an epitem that is on its file's list already. Linux: `ep_rbtree_insert`.
    #[inline(always)]
    pub(crate) fn index_epitem(&mut self, id: EpitemId) {
        let Epitem { epoll, of_file, .. } = self.epitems[id];
        let other = of_file.next();
        if other.is_some() || self.deferred.is_on {
            self.key(id, other);
        }
        let instance = &mut self.epolls[epoll];
        instance
            .interest
            .push_back(id, &mut self.epitems, Epitem::of_epoll);
        instance.count += 1;
    }

    /// A file has an epitem beside its sole one, which may be without a key.
    #[inline(never)]
    fn key(&mut self, id: EpitemId, other: Option<EpitemId>) {
        for id in other.into_iter().chain([id]) {
            let epitem = &mut self.epitems[id];
            if !std::mem::replace(&mut epitem.is_keyed, true) {
                epitem.next_of_key = self.keys.insert((epitem.file, epitem.fd), id);
            }
        }
    }

    /// From here on each has a key: where calls are stepped, a file's list is
    /// not always what its instances know.
    pub(crate) fn key_all(&mut self) {
        let all: Vec<EpitemId> = self.epitems.iter().map(|(id, _)| id).collect();
        for id in all {
            self.key(id, None);
        }
    }

    /// Linux: `rb_erase_cached`.
    #[inline(always)]
    pub(crate) fn unindex_epitem(&mut self, id: EpitemId) {
        let Epitem {
            epoll, is_keyed, ..
        } = self.epitems[id];
        if is_keyed {
            self.unkey(id);
        }
        let instance = &mut self.epolls[epoll];
        instance
            .interest
            .remove(id, &mut self.epitems, Epitem::of_epoll);
        instance.count -= 1;
    }

    #[inline(never)]
    fn unkey(&mut self, id: EpitemId) {
        let Epitem {
            file,
            fd,
            next_of_key,
            ..
        } = self.epitems[id];
        if self.keys[&(file, fd)] == id {
            match next_of_key {
                Some(next) => self.keys.insert((file, fd), next),
                None => self.keys.remove(&(file, fd)),
            };
            return;
        }
        let mut chain = std::iter::successors(self.first_of_key(file, fd), |id| {
            self.epitems[*id].next_of_key
        });
        let before = chain.find(|other| self.epitems[*other].next_of_key == Some(id));
        let before = before.expect("an epitem is on the chain of its key");
        self.epitems[before].next_of_key = next_of_key;
    }
}
