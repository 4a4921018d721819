//! One registration.

use super::index::Place;
use crate::abi::Key;
use crate::store::Links;
use crate::store::{EpitemId, EpollId, Fd, FileId, TableId, WaitId};
use crate::{EpollEvent, Events, Kernel};
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
    /// The mask, with the bits Linux adds (`EPOLLERR`, `EPOLLHUP`); without them once a one-shot
    /// has fired.
    pub(crate) events: Events,
    /// `epoll_data`: goes back to the program with each event, and means nothing to the kernel.
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
    /// One that is on no list.
    #[inline(always)]
    pub(crate) fn new(
        owner: TableId,
        epoll: EpollId,
        file: FileId,
        fd: Fd,
        event: EpollEvent,
    ) -> Epitem {
        Epitem {
            epoll,
            file,
            fd,
            owner,
            events: event.events,
            data: event.data,
            wait: None,
            next_of_key: None,
            of_file: Links::default(),
            of_epoll: Links::default(),
            place: 0,
            is_ready: false,
            is_overflowing: false,
            is_keyed: false,
        }
    }

    /// Watches this from now on. A scan or callback that polls it next sees the new mask.
    #[inline(always)]
    pub(crate) fn watch(&mut self, event: EpollEvent) {
        self.events = event.events;
        self.data = event.data;
    }

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
}
