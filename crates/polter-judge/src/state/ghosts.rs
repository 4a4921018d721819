//! The ghosts of Linux's world, and the fds that are about to be cleared.

use super::policy_removals::Takings;
use super::registrations::Stories;
use super::worlds::Worlds;
use eventpoll::{Descriptor, EpitemId, EpollId, Fd, FileId, TableId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Beyond so many live ghosts their ends are looked for only now and then.
pub(crate) const CLOSELY_WATCHED: usize = 64;

/// Most numbers have one registration, and a child that ends clears thousands of numbers.
type Ids = SmallVec<[EpitemId; 2]>;

/// The ghosts of Linux's world.
#[derive(Debug, Default)]
pub(crate) struct Ghosts {
    pub(crate) live: Vec<EpitemId>,
    /// The live ones by instance and number, and some that are gone.
    pub(crate) by_number: FxHashMap<(EpollId, Fd), Vec<EpitemId>>,
    pub(crate) born: u64,
    pub(crate) sweeps: u64,
}

/// A number about to be cleared, and the registrations of its file under it.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) fd: Fd,
    pub(crate) file: FileId,
    pub(crate) table: TableId,
    pub(crate) is_inherited: bool,
    pub(crate) is_cloexec: bool,
    /// Those that its table has made.
    pub(crate) ids: Ids,
    /// Those that others have made.
    pub(crate) others: Ids,
}

impl Ghosts {
    /// A ghost of an instance under a number.
    pub(crate) fn of_number(&self, stories: &Stories, epoll: EpollId, fd: Fd) -> Option<EpitemId> {
        let mut ids = self.by_number.get(&(epoll, fd))?.iter().copied();
        ids.find(|id| is_ghost_of(stories, *id, epoll, fd))
    }
}

/// True if a registration is there, under this number, and a ghost.
pub(crate) fn is_ghost_of(stories: &Stories, id: EpitemId, epoll: EpollId, fd: Fd) -> bool {
    stories
        .get(id)
        .is_some_and(|story| story.orphaned.is_some() && story.epoll == epoll && story.fd == fd)
}

pub(crate) fn watched(
    worlds: &Worlds,
    takings: &Takings,
    table: TableId,
    fd: Fd,
    descriptor: Descriptor,
) -> Option<Watched> {
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
    let is_shared = worlds.base().references(file) > 1 || takings.has_removed(file, fd);
    let is_watched = is_shared || !ids.is_empty() || !others.is_empty();
    is_watched.then_some(Watched {
        fd,
        file,
        table,
        is_inherited,
        is_cloexec,
        ids,
        others,
    })
}
