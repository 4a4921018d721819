//! Epitems by their key, and by their instance. Linux: the tree `ep->rbr`, for both.
//!
//! An epitem is found through its file. One that its file has alone is simply looked at; several of one file have
//! their keys in a map, [`Kernel::keys`], where those of one key are chained: they are of different instances or,
//! under some policies, of different owners. So a server with one registration a connection pays for no map.
//!
//! Where calls are stepped each epitem has its key, because a file's list and its instances' lists may disagree
//! between two steps.

use crate::Kernel;
use crate::epoll::Epitem;
use crate::store::{EpitemId, Fd, FileId};

impl Kernel {
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
    pub(crate) fn first_of_key(&self, file: FileId, fd: Fd) -> Option<EpitemId> {
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
