//! The history of each registration: who made it, and what became of it.
//!
//! A history lives as long as its registration in Linux's world. An event is traced to it by instance and data.

use super::heed::Streak;
use super::steps::{add_frame, name_root};
use super::sync_events::SyncEvent;
use super::world_set::WorldSet;
use super::worlds::Worlds;
use crate::verdict::{Class, Instance, KeptBy, Step};
use eventpoll::{EpitemId, EpollId, Fd, FileId, TableId};
use rustc_hash::FxHashMap;

/// Who made a registration, and what became of it.
#[derive(Debug)]
pub(crate) struct RegistrationHistory {
    /// Its id, from 1, never used again. An [`EpitemId`] is: it names a slot of the model.
    pub(crate) id: u64,
    pub(crate) epoll: EpollId,
    pub(crate) file: FileId,
    pub(crate) fd: Fd,
    pub(crate) owner: TableId,
    /// Kept here, because the instance may be gone when a finding is made.
    pub(crate) instance: Instance,
    /// The process that registered it.
    pub(crate) pid: u32,
    /// How it came to be, and what happened to it since.
    pub(crate) steps: Vec<Step>,
    /// The registration in each world, if it was made there.
    pub(crate) in_worlds: Vec<Option<EpitemId>>,
    /// The call that made it, as a sync event, if others had the file then.
    pub(crate) added: Option<SyncEvent>,
    /// Set when its fd stopped naming its file: it is a ghost.
    pub(crate) orphaned: Option<Orphaned>,
    pub(crate) ghost_events: u64,
    /// The data that its events carry.
    pub(crate) data: u64,
    /// Edge-triggered: each event is a new one.
    pub(crate) is_edge: bool,
    pub(crate) streak: Streak,
}

impl RegistrationHistory {
    /// The steps so far, and one more.
    pub(crate) fn steps_and(&self, step: Step) -> Vec<Step> {
        let mut steps = self.steps.clone();
        steps.push(step);
        steps
    }
}

/// How a registration became a ghost.
#[derive(Debug)]
pub(crate) struct Orphaned {
    pub(crate) class: Class,
    pub(crate) is_cloexec: bool,
    /// Those who keep the file were sent it; they did not get it by a fork.
    pub(crate) is_sent: bool,
    pub(crate) holders: Vec<KeptBy>,
    /// The time at which it became one, as the judge counts time.
    pub(crate) since: u64,
    pub(crate) told: GhostTold,
    /// The worlds in which it was gone by then.
    pub(crate) mended: WorldSet,
}

/// What was made of a ghost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GhostTold {
    /// Nothing: no event came through it.
    Nothing,
    /// A suspicion, with its index: it has lasted for a while.
    Suspicion(usize),
    /// The finding with this index, which stands for others if it is not its own.
    Finding { at: usize, is_own: bool },
    /// A finding for which there was no room.
    LeftOut,
}

/// The history of every live registration, by its epitem in Linux's world.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    by_epitem: Vec<Option<Box<RegistrationHistory>>>,
    by_data: FxHashMap<(EpollId, u64), Vec<EpitemId>>,
    /// How many entries `by_data` had after the last clean-up.
    clean_size: usize,
    pub(crate) made: u64,
    /// The registration that was last asked for to be changed: stack lines that follow may belong to it.
    newest: Option<EpitemId>,
}

/// Where an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From this registration, the only one with its data.
    One(EpitemId),
    /// From one of several with the same data; this one is the newest.
    Several(EpitemId),
    /// From none that is known.
    Unknown,
}

impl Registrations {
    /// Begins a history. It replaces one that had the same slot.
    pub(crate) fn insert(&mut self, id: EpitemId, data: u64, history: RegistrationHistory) {
        let slot = id.slot();
        if slot >= self.by_epitem.len() {
            self.by_epitem.resize_with(slot + 1, || None);
        }
        let epoll = history.epoll;
        self.newest = Some(id);
        self.by_epitem[slot] = Some(Box::new(history));
        self.index(epoll, data, id);
    }

    /// A registration got new data.
    pub(crate) fn index(&mut self, epoll: EpollId, data: u64, id: EpitemId) {
        let ids = self.by_data.entry((epoll, data)).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    /// The history of a registration that lives in Linux's world.
    pub(crate) fn get(&self, id: EpitemId) -> Option<&RegistrationHistory> {
        self.by_epitem.get(id.slot())?.as_deref()
    }

    /// The history of a registration, to add steps: stack lines that follow are its own.
    pub(crate) fn get_mut(&mut self, id: EpitemId) -> Option<&mut RegistrationHistory> {
        self.newest = Some(id);
        self.by_epitem.get_mut(id.slot())?.as_deref_mut()
    }

    /// How a registration became a ghost; unlike [`get_mut`](Registrations::get_mut), no stack line is its own by this.
    pub(crate) fn orphaned(&mut self, id: EpitemId) -> Option<&mut Orphaned> {
        let history = self.by_epitem.get_mut(id.slot())?.as_deref_mut()?;
        history.orphaned.as_mut()
    }

    /// Some registration of a file for which `is_fn` holds.
    pub(crate) fn of_file(
        &self,
        file: FileId,
        is_fn: impl Fn(&RegistrationHistory) -> bool,
    ) -> Option<&RegistrationHistory> {
        let mut registrations = self.by_epitem.iter().flatten();
        let history = registrations.find(|history| history.file == file && is_fn(history));
        history.map(|history| &**history)
    }

    /// The sync events that the histories use.
    pub(crate) fn sync_events(&self) -> impl Iterator<Item = SyncEvent> {
        let registrations = self.by_epitem.iter().flatten();
        registrations.filter_map(|history| history.added)
    }

    /// The task without a pid turns out to have one: what it registered gets it.
    pub(crate) fn name_root(&mut self, pid: u32) {
        for history in self.by_epitem.iter_mut().flatten() {
            if history.pid == 0 {
                history.pid = pid;
            }
            name_root(&mut history.steps, pid);
        }
    }

    /// Takes a history out.
    pub(crate) fn remove(&mut self, id: EpitemId) -> Option<Box<RegistrationHistory>> {
        self.by_epitem.get_mut(id.slot())?.take()
    }

    /// Which registration of an instance an event with this data came from.
    pub(crate) fn origin(&mut self, worlds: &Worlds, epoll: EpollId, data: u64) -> Origin {
        let base = worlds.base();
        let Some(ids) = self.by_data.get_mut(&(epoll, data)) else {
            return Origin::Unknown;
        };
        let by_epitem = &self.by_epitem;
        ids.retain(|id| {
            let is_live = base
                .registration(*id)
                .is_some_and(|r| r.epoll == epoll && r.event.data == data);
            is_live && by_epitem.get(id.slot()).is_some_and(Option::is_some)
        });
        match ids[..] {
            [] => {
                self.by_data.remove(&(epoll, data));
                Origin::Unknown
            }
            [one] => Origin::One(one),
            [.., newest] => Origin::Several(newest),
        }
    }

    /// The registrations an event with this data can have come from, as
    /// [`origin`](Registrations::origin) has just found them.
    pub(crate) fn candidates(&self, epoll: EpollId, data: u64) -> &[EpitemId] {
        self.by_data.get(&(epoll, data)).map_or(&[], Vec::as_slice)
    }

    /// Adds a stack frame (`strace -k`) to the newest history, if it kept this line's call.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        if let Some(history) = self.newest.and_then(|id| self.get_mut(id)) {
            add_frame(&mut history.steps, line, frame);
        }
    }

    /// Drops what belongs to registrations that are gone. It looks through everything, so it waits until `by_data` has
    /// doubled.
    pub(crate) fn clean_up(&mut self, worlds: &Worlds) {
        if self.by_data.len() <= 2 * self.clean_size + 1024 {
            return;
        }
        let base = worlds.base();
        self.by_data.retain(|(epoll, data), ids| {
            ids.retain(|id| {
                base.registration(*id)
                    .is_some_and(|r| r.epoll == *epoll && r.event.data == *data)
            });
            !ids.is_empty()
        });
        self.clean_size = self.by_data.len();
        for slot in &mut self.by_epitem {
            if slot
                .as_ref()
                .is_some_and(|history| !is_live(worlds, history))
            {
                *slot = None;
            }
        }
    }
}

/// True while the registration is there in Linux's world. The id alone does not tell: another may have its slot.
pub(crate) fn is_live(worlds: &Worlds, history: &RegistrationHistory) -> bool {
    let registration = history.in_worlds[0].and_then(|id| worlds.base().registration(id));
    registration
        .is_some_and(|r| r.epoll == history.epoll && r.file == history.file && r.fd == history.fd)
}
