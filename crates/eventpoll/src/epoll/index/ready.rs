//! An instance's ready list: who joins it, leaves it, and how a scan's end puts it together again.

use super::ReadyList;
use crate::epoll::{Epitem, Epoll};
use crate::store::{Arena, EpitemId};

impl Epoll {
    /// At the end of the ready list.
    #[inline(always)]
    pub(crate) fn push_ready(&mut self, id: EpitemId, epitems: &mut Arena<EpitemId, Epitem>) {
        if self.ready.is_sparse() {
            self.close_gaps(epitems);
        }
        let epitem = &mut epitems[id];
        epitem.is_ready = true;
        epitem.place = self.ready.push_back(id);
    }

    /// Takes an epitem off the list it is on. Linux: `list_del_init(&epi->rdllink)`.
    #[inline(always)]
    pub(crate) fn unlink_ready(&mut self, id: EpitemId, epitems: &mut Arena<EpitemId, Epitem>) {
        let epitem = &mut epitems[id];
        epitem.is_ready = false;
        if self.ready.has(id, epitem.place) {
            self.ready.remove(epitem.place);
        } else if self.taken.has(id, epitem.place) {
            self.taken.remove(epitem.place);
        }
    }

    #[inline(never)]
    fn close_gaps(&mut self, epitems: &mut Arena<EpitemId, Epitem>) {
        for id in std::mem::take(&mut self.ready).iter() {
            epitems[id].place = self.ready.push_back(id);
        }
    }

    /// Behind those that are left come the arrivals, then what is there already.
    #[inline(never)]
    pub(crate) fn put_together(&mut self, left: ReadyList, epitems: &mut Arena<EpitemId, Epitem>) {
        let kept = std::mem::replace(&mut self.ready, left);
        for id in std::mem::take(&mut self.overflow) {
            epitems[id].is_overflowing = false;
            if !epitems[id].is_ready {
                self.push_ready(id, epitems);
            }
        }
        for id in kept.iter() {
            self.push_ready(id, epitems);
        }
    }
}
