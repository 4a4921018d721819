//! The ghosts of Linux's world, and the fds that are about to be cleared.

use super::policy_removals::PolicyRemovals;
use super::registrations::Registrations;
use super::worlds::Worlds;
use eventpoll::{Descriptor, EpitemId, EpollId, Fd, FileId, TableId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// With more live ghosts than these, only every 256th sweep looks for their ends.
const CLOSELY_WATCHED: usize = 64;

/// Inline for two: most fds have one registration, and the exit of a child clears thousands of fds.
type Ids = SmallVec<[EpitemId; 2]>;

/// The ghosts of Linux's world.
#[derive(Debug, Default)]
pub(crate) struct Ghosts {
    pub(crate) live: Vec<EpitemId>,
    /// The live ghosts by instance and fd. Some are gone: whoever reads it checks with [`is_ghost_of`].
    by_fd: FxHashMap<(EpollId, Fd), Vec<EpitemId>>,
    /// How many there have been, or since time has passed, if it does.
    pub(crate) born: u64,
    sweeps: u64,
}

/// A slot of a descriptor table that is about to be cleared, and the registrations of its file under its fd.
///
/// It is taken before the call and read after it: afterwards the slot says nothing any more.
#[derive(Debug)]
pub(crate) struct WatchedSlot {
    pub(crate) fd: Fd,
    pub(crate) file: FileId,
    pub(crate) table: TableId,
    pub(crate) is_inherited: bool,
    pub(crate) is_cloexec: bool,
    /// The registrations that this table made.
    pub(crate) ids: Ids,
    /// The registrations that other tables made.
    pub(crate) others: Ids,
}

impl Ghosts {
    /// A ghost of an instance under an fd.
    pub(crate) fn of_fd(
        &self,
        registrations: &Registrations,
        epoll: EpollId,
        fd: Fd,
    ) -> Option<EpitemId> {
        let mut ids = self.by_fd.get(&(epoll, fd))?.iter().copied();
        ids.find(|id| is_ghost_of(registrations, *id, epoll, fd))
    }

    /// A registration has become a ghost.
    pub(crate) fn add(
        &mut self,
        registrations: &Registrations,
        id: EpitemId,
        epoll: EpollId,
        fd: Fd,
    ) {
        self.live.push(id);
        let of_fd = self.by_fd.entry((epoll, fd)).or_default();
        // Those that are gone are dropped now and then: each time would be quadratic.
        if of_fd.len().is_power_of_two() {
            of_fd.retain(|id| is_ghost_of(registrations, *id, epoll, fd));
        }
        of_fd.push(id);
    }

    /// Time passes while the log grows: the holders of the next ghosts are searched for again.
    pub(crate) fn pass_time(&mut self) {
        self.born = 0;
    }

    /// Counts a sweep; true if it has to look at every ghost.
    pub(crate) fn is_sweep_due(&mut self) -> bool {
        if self.live.is_empty() {
            return false;
        }
        self.sweeps += 1;
        self.live.len() <= CLOSELY_WATCHED || self.sweeps.is_multiple_of(256)
    }

    /// Drops those that are gone from the index, once they are more than half of it.
    pub(crate) fn clean_up(&mut self, registrations: &Registrations) {
        if self.by_fd.len() > 2 * self.live.len() {
            self.by_fd.retain(|(epoll, fd), ids| {
                ids.retain(|id| is_ghost_of(registrations, *id, *epoll, *fd));
                !ids.is_empty()
            });
        }
    }
}

/// True if the registration lives, is a ghost, and has this instance and fd.
fn is_ghost_of(registrations: &Registrations, id: EpitemId, epoll: EpollId, fd: Fd) -> bool {
    registrations.get(id).is_some_and(|history| {
        history.orphaned.is_some() && history.epoll == epoll && history.fd == fd
    })
}

/// The slot, if its clearing can matter: something is registered under its fd, others have the file too, or a DEL of
/// it is remembered.
pub(crate) fn watched(
    worlds: &Worlds,
    policy_removals: &PolicyRemovals,
    table: TableId,
    fd: Fd,
    descriptor: Descriptor,
) -> Option<WatchedSlot> {
    let Descriptor {
        file,
        is_inherited,
        is_cloexec,
    } = descriptor;
    let (mut ids, mut others) = (Ids::new(), Ids::new());
    let registrations = worlds.base().registrations_of_file(file);
    for registration in registrations.filter(|r| r.fd == fd) {
        let list = if registration.owner == table {
            &mut ids
        } else {
            &mut others
        };
        list.push(registration.id);
    }
    let is_shared = worlds.base().references(file) > 1 || policy_removals.has_del(file, fd);
    let is_watched = is_shared || !ids.is_empty() || !others.is_empty();
    is_watched.then_some(WatchedSlot {
        fd,
        file,
        table,
        is_inherited,
        is_cloexec,
        ids,
        others,
    })
}
