//! The instance, and the protocol: create, control, wait.
//!
//! ```text
//!   Epoll ── interest list: every epitem
//!     ├───── ready list:    epitems that may have something to report
//!     ├───── overflow list: arrivals while a wait scans the ready list
//!     ├───── waiters:       threads in epoll_wait(2)
//!     └───── pollers:       whoever polls the instance itself, outer instances among them
//! ```

mod epitem;
mod index;
mod nesting;
mod remove;
mod scan;
mod wait;

pub(crate) use epitem::Epitem;
pub(crate) use index::ReadyList;
pub(crate) use wait::{EpollWait, checked_mask};

use crate::abi::{EpollParams, Ioctl, Out, Return, flags};
use crate::abi::{Inherited, Key};
use crate::fs::{File, FileKind};
use crate::store::Head;
use crate::store::{EpitemId, EpollId, Fd, FileId, QueueId, TableId, Tid};
use crate::wait::Waiter;
use crate::{EpollEvent, Errno, Events, Kernel};

/// One epoll instance. Linux: `struct eventpoll`.
#[derive(Debug, Hash)]
pub(crate) struct Epoll {
    /// The instance's own file.
    pub(crate) file: FileId,
    /// Every registration, in the order they were made. Linux: `rbr`.
    pub(crate) interest: Head<EpitemId>,
    pub(crate) count: u32,
    /// Linux: `rdllist`.
    pub(crate) ready: ReadyList,
    /// What a scan has taken, while its steps are taken one by one. Linux: `txlist`.
    pub(crate) taken: ReadyList,
    /// Linux: `ovflist`.
    pub(crate) overflow: Vec<EpitemId>,
    pub(crate) is_scanning: bool,
    /// Linux: `wq`.
    pub(crate) waiters: QueueId,
    /// Linux: `poll_wait`.
    pub(crate) pollers: QueueId,
    pub(crate) params: EpollParams,
}

impl Clone for Epoll {
    fn clone(&self) -> Epoll {
        Epoll {
            ready: self.ready.clone(),
            taken: self.taken.clone(),
            overflow: self.overflow.clone(),
            ..*self
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Epoll) {
        let mut copy = Epoll {
            ready: std::mem::take(&mut self.ready),
            taken: std::mem::take(&mut self.taken),
            overflow: std::mem::take(&mut self.overflow),
            ..*other
        };
        copy.ready.clone_from(&other.ready);
        copy.taken.clone_from(&other.taken);
        copy.overflow.clone_from(&other.overflow);
        *self = copy;
    }
}

impl Kernel {
    /// `epoll_create(2)`. The size must be positive and says nothing else.
    pub fn epoll_create(&mut self, caller: Tid, size: i32) -> Result<Fd, Errno> {
        if size <= 0 {
            return Err(Errno::EINVAL);
        }
        self.epoll_create1(caller, 0)
    }

    /// `epoll_create1(2)`.
    pub fn epoll_create1(&mut self, caller: Tid, flags: u32) -> Result<Fd, Errno> {
        if flags & !flags::O_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let fd = self.free_fd(caller, 0)?;
        let (waiters, pollers) = (self.waits.create(), self.waits.create());
        // File and instance name each other: the file is made first, and its kind is put in below.
        let file = self.new_file(FileKind::Opaque(crate::Opaque::Path), flags::O_RDWR);
        let epoll = self.epolls.insert(Epoll {
            file,
            interest: Head::default(),
            count: 0,
            ready: ReadyList::default(),
            taken: ReadyList::default(),
            overflow: Vec::new(),
            is_scanning: false,
            waiters,
            pollers,
            params: EpollParams::default(),
        });
        self.files[file].kind = FileKind::Epoll(epoll);
        let is_cloexec = flags & flags::O_CLOEXEC != 0;
        self.install(
            caller,
            fd,
            crate::fs::Slot {
                file,
                is_cloexec,
                is_inherited: false,
            },
        );
        Ok(fd)
    }

    /// `epoll_ctl(2)`: the checks, in Linux's order. Linux: `do_epoll_ctl`.
    pub fn epoll_ctl(
        &mut self,
        caller: Tid,
        epfd: Fd,
        op: u32,
        fd: Fd,
        event: Option<EpollEvent>,
    ) -> Result<(), Errno> {
        let table = self.tasks[caller].table;
        self.epoll_ctl_in(caller, table, epfd, op, fd, event)
    }

    #[inline(always)]
    pub(crate) fn epoll_ctl_in(
        &mut self,
        caller: Tid,
        table: TableId,
        epfd: Fd,
        op: u32,
        fd: Fd,
        event: Option<EpollEvent>,
    ) -> Result<(), Errno> {
        // A DEL needs no event; an unknown operation does.
        let mut event = match event {
            _ if op == flags::EPOLL_CTL_DEL => EpollEvent::default(),
            event => event.ok_or(Errno::EFAULT)?,
        };
        let (epoll_file, instance) = self.find_file_in(table, epfd).ok_or(Errno::EBADF)?;
        let (file, target) = self.find_file_in(table, fd).ok_or(Errno::EBADF)?;
        let is_itself = epoll_file == file;
        let epoll = self.check_ctl(instance, target, is_itself, op, event.events)?;
        if self.is_refused(table, epfd) {
            return Err(Errno::ESTALE);
        }
        // Before `ep_find`: an ADD that would make a circle is ELOOP even where it would be EEXIST.
        if op == flags::EPOLL_CTL_ADD {
            self.check_nesting(epoll, file)?;
        }
        let found = self.ep_find(epoll, file, fd, table);
        // Nobody can ask not to be told of these two. A one-shot that has fired is not told either.
        event.events |= Events::ERR | Events::HUP;
        match (op, found) {
            (flags::EPOLL_CTL_ADD, Some(_)) => Err(Errno::EEXIST),
            (flags::EPOLL_CTL_ADD, None) => self.ep_insert(caller, table, epoll, file, fd, event),
            (flags::EPOLL_CTL_DEL | flags::EPOLL_CTL_MOD, None) => Err(Errno::ENOENT),
            (flags::EPOLL_CTL_DEL, Some(epitem)) => {
                self.ep_remove(epitem);
                Ok(())
            }
            (flags::EPOLL_CTL_MOD, Some(epitem)) => self.ep_modify(caller, epitem, event),
            _ => Err(Errno::EINVAL),
        }
    }

    /// What both files must be, in Linux's order: a target that cannot be polled is EPERM even
    /// where the first file is no instance. Linux: `do_epoll_ctl`, before `ep->mtx`.
    #[inline(always)]
    pub(crate) fn check_ctl(
        &self,
        instance: &File,
        target: &File,
        is_itself: bool,
        op: u32,
        events: Events,
    ) -> Result<EpollId, Errno> {
        if !target.can_poll() {
            return Err(Errno::EPERM);
        }
        if is_itself {
            return Err(Errno::EINVAL);
        }
        let epoll = instance.epoll().ok_or(Errno::EINVAL)?;
        if events.contains(Events::EXCLUSIVE) {
            check_exclusive(op, target, events)?;
        }
        Ok(epoll)
    }

    /// Under the `stale` policy a copied descriptor of an instance is refused.
    #[inline(always)]
    fn is_refused(&self, table: TableId, epfd: Fd) -> bool {
        self.policy.inherited == Inherited::Stale
            && self.tables[table]
                .slot(epfd)
                .is_some_and(|slot| slot.is_inherited)
    }

    /// Linux: `ep_insert`.
    #[inline(never)]
    fn ep_insert(
        &mut self,
        caller: Tid,
        owner: TableId,
        epoll: EpollId,
        file: FileId,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        if self.epitems.len() as u64 >= self.max_user_watches {
            return Err(Errno::ENOSPC);
        }
        let id = self.ep_attach(owner, epoll, file, fd, event);
        // The paths are counted with the new epitem in place, so a refusal has to take it out again.
        if self.has_too_many_paths(epoll, file) {
            self.ep_remove(id);
            return Err(Errno::EINVAL);
        }
        // The queue comes before the poll. The other way round, a file that becomes ready between the two would wake
        // nobody, and an edge would be lost.
        self.ep_add_wait_queue(caller, id);
        if !self.ep_item_poll(id, caller).is_empty() {
            self.append_ready(id);
        }
        Ok(())
    }

    /// A new epitem, on its file's list and in its instance; not on a wait queue yet.
    /// Linux: `attach_epitem`, `ep_rbtree_insert`.
    #[inline(always)]
    pub(crate) fn ep_attach(
        &mut self,
        owner: TableId,
        epoll: EpollId,
        file: FileId,
        fd: Fd,
        event: EpollEvent,
    ) -> EpitemId {
        self.tables[owner].epitems += 1;
        let id = self
            .epitems
            .insert(Epitem::new(owner, epoll, file, fd, event));
        // Newest first: the newest is told first, too.
        self.files[file]
            .epitems
            .push_front(id, &mut self.epitems, Epitem::of_file);
        self.index_epitem(id);
        id
    }

    /// Exclusive epitems queue at the tail, the others at the head.
    /// Linux: `ep_ptable_queue_proc`.
    #[inline(always)]
    pub(crate) fn ep_add_wait_queue(&mut self, caller: Tid, id: EpitemId) {
        let Epitem { file, events, .. } = self.epitems[id];
        let Some(queue) = self.wait_queue_of(file, caller) else {
            return;
        };
        // At the tail, because a wake stops at the first exclusive waiter that had a use for it: those who are not
        // exclusive stand before it and hear of every wake.
        let waiter = Waiter::Epitem(id);
        self.epitems[id].wait = Some(if events.contains(Events::EXCLUSIVE) {
            self.waits.add_tail(queue, waiter, true)
        } else {
            self.waits.add(queue, waiter)
        });
    }

    /// Linux: `ep_modify`.
    fn ep_modify(&mut self, caller: Tid, id: EpitemId, event: EpollEvent) -> Result<(), Errno> {
        if self.epitems[id].events.contains(Events::EXCLUSIVE) {
            return Err(Errno::EINVAL);
        }
        // The mask comes before the poll, for the same reason as the queue in `ep_insert`. The epitem keeps its place on
        // the wait queue, so a MOD does not change who is told first.
        self.epitems[id].watch(event);
        if !self.ep_item_poll(id, caller).is_empty() {
            self.append_ready(id);
        }
        Ok(())
    }

    /// What the watched file is ready for, of what is watched. A file whose
    /// last reference has gone is not polled: it is not ready. Linux: `ep_item_poll`.
    #[inline(always)]
    pub(crate) fn ep_item_poll(&mut self, id: EpitemId, caller: Tid) -> Events {
        let Epitem { file, events, .. } = self.epitems[id];
        self.poll_if_alive(file, caller) & events
    }

    /// Readable if an epitem on the ready list is; the others leave the list.
    /// Linux: `__ep_eventpoll_poll`.
    pub(crate) fn ep_eventpoll_poll(&mut self, epoll: EpollId, caller: Tid) -> Events {
        let mut scan = self.ep_start_scan(epoll).scan();
        let mut ready = Events::empty();
        while let Some(id) = scan.peek() {
            // It stays on the list, and an edge stays unreported: a poll of the instance is no wait.
            if !self.ep_item_poll(id, caller).is_empty() {
                ready = Events::READABLE;
                break;
            }
            scan.drop_next();
            self.epitems[id].is_ready = false;
        }
        let (left, kept) = scan.end();
        self.ep_done_scan(epoll, left, kept);
        ready
    }

    /// `ioctl(2)` on an instance.
    pub(crate) fn ep_eventpoll_ioctl(
        &mut self,
        caller: Tid,
        epoll: EpollId,
        request: Ioctl,
    ) -> Result<Return, Errno> {
        let has_params = self.version.has_epoll_params();
        match request {
            Ioctl::SetEpollParams(params) if has_params => {
                // NAPI_POLL_WEIGHT: more needs CAP_NET_ADMIN.
                if params.pad != 0
                    || params.busy_poll_usecs > i32::MAX as u32
                    || params.prefer_busy_poll > 1
                {
                    return Err(Errno::EINVAL);
                }
                if params.busy_poll_budget > 64 && !self.is_privileged {
                    return Err(Errno::EPERM);
                }
                self.epolls[epoll].params = params;
                Ok(Return::value(0))
            }
            Ioctl::GetEpollParams if has_params => {
                Ok(Return::with(0, Out::Params(self.epolls[epoll].params)))
            }
            Ioctl::EpollAdopt if self.policy.can_adopt => {
                Ok(Return::value(self.adopt(caller, epoll)))
            }
            _ => Err(self.version.unknown_epoll_ioctl()),
        }
    }

    /// [`EPIOCADOPT`](crate::EPIOCADOPT): makes the epitems whose numbers mean
    /// the same in the caller's table its own; says how many.
    fn adopt(&mut self, caller: Tid, epoll: EpollId) -> i64 {
        let table = self.tasks[caller].table;
        let mut adopted = 0;
        for id in self.epitems_of(epoll) {
            let Epitem {
                file, fd, owner, ..
            } = self.epitems[id];
            let is_same = self.tables[table].file(fd) == Some(file);
            let has_own = self.policy.key == Key::TableFileFd
                && self.ep_find(epoll, file, fd, table).is_some();
            // With the table in the key, two epitems of one key would be left if the caller had one already.
            if owner != table && is_same && !has_own {
                self.epitems[id].owner = table;
                self.tables[table].epitems += 1;
                self.disown(owner);
                adopted += 1;
            }
        }
        adopted
    }

    /// An instance's epitems, in the order they were added.
    pub(crate) fn epitems_of(&self, epoll: EpollId) -> Vec<EpitemId> {
        let first = self.epolls[epoll].interest.first();
        std::iter::successors(first, |id| self.epitems[*id].of_epoll.next()).collect()
    }
}

/// An exclusive registration is made once, on what is no instance, with few other bits. DEL does not look.
fn check_exclusive(op: u32, target: &File, events: Events) -> Result<(), Errno> {
    let is_allowed = match op {
        flags::EPOLL_CTL_MOD => false,
        flags::EPOLL_CTL_ADD => target.epoll().is_none() && Events::EXCLUSIVE_OK.contains(events),
        _ => true,
    };
    if is_allowed {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}
