//! The history of each registration: who made it, and what became of it.
//!
//! A history lives as long as its registration in Linux's world. An event is traced to it by instance and data.

use super::happens_before::Mark;
use super::heed::Streak;
use super::steps::{add_frame, name_root};
use super::worlds::Worlds;
use crate::verdict::{Class, Instance, KeptBy, Step};
use eventpoll::{EpitemId, EpollId, Fd, FileId, TableId};
use rustc_hash::FxHashMap;

/// What is known of one registration.
#[derive(Debug)]
pub(crate) struct Story {
    /// Its number among all stories, from 1.
    pub(crate) id: u64,
    pub(crate) epoll: EpollId,
    pub(crate) file: FileId,
    pub(crate) fd: Fd,
    pub(crate) owner: TableId,
    /// Kept here, because the instance may go before the story is told.
    pub(crate) instance: Instance,
    /// The process that registered it.
    pub(crate) pid: u32,
    /// How it came to be, and what happened to it since.
    pub(crate) steps: Vec<Step>,
    /// The registration in each world, if it was made there.
    pub(crate) in_worlds: Vec<Option<EpitemId>>,
    /// The mark of the call that made it, if others had the file then.
    pub(crate) added: Option<Mark>,
    /// Set when its number stopped naming its file.
    pub(crate) orphaned: Option<Orphaned>,
    pub(crate) ghost_events: u64,
    /// What its events carry.
    pub(crate) data: u64,
    /// Edge-triggered: each event is a new one.
    pub(crate) is_edge: bool,
    pub(crate) streak: Streak,
}

/// How a registration became a ghost.
#[derive(Debug)]
pub(crate) struct Orphaned {
    pub(crate) class: Class,
    pub(crate) is_cloexec: bool,
    /// Those who keep it did not get it by a fork.
    pub(crate) is_sent: bool,
    pub(crate) holders: Vec<KeptBy>,
}

/// Every live story, by its epitem in Linux's world.
#[derive(Debug, Default)]
pub(crate) struct Stories {
    by_epitem: Vec<Option<Box<Story>>>,
    by_data: FxHashMap<(EpollId, u64), Vec<EpitemId>>,
    /// Entries of `by_data` at the last clean-up.
    clean_size: usize,
    pub(crate) told: u64,
    /// The story that got the last step: stack lines that follow belong to it.
    newest: Option<EpitemId>,
}

/// Where an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From this registration.
    One(EpitemId),
    /// From one of several with the same data; this one is the newest.
    Several(EpitemId),
    /// From none that is known.
    Unknown,
}

impl Stories {
    pub(crate) fn insert(&mut self, id: EpitemId, data: u64, story: Story) {
        let slot = id.slot();
        if slot >= self.by_epitem.len() {
            self.by_epitem.resize_with(slot + 1, || None);
        }
        let epoll = story.epoll;
        self.newest = Some(id);
        self.by_epitem[slot] = Some(Box::new(story));
        self.index(epoll, data, id);
    }

    /// A registration got new data.
    pub(crate) fn index(&mut self, epoll: EpollId, data: u64, id: EpitemId) {
        let ids = self.by_data.entry((epoll, data)).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    /// The story of a registration that lives in Linux's world.
    pub(crate) fn get(&self, id: EpitemId) -> Option<&Story> {
        self.by_epitem.get(id.slot())?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: EpitemId) -> Option<&mut Story> {
        self.newest = Some(id);
        self.by_epitem.get_mut(id.slot())?.as_deref_mut()
    }

    /// Some registration of a file that is of a kind.
    pub(crate) fn of_file(&self, file: FileId, is_fn: impl Fn(&Story) -> bool) -> Option<&Story> {
        let mut stories = self.by_epitem.iter().flatten();
        let story = stories.find(|story| story.file == file && is_fn(story));
        story.map(|story| &**story)
    }

    /// The marks of those that live.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        let stories = self.by_epitem.iter().flatten();
        stories.filter_map(|story| story.added)
    }

    /// The nameless task has a number; what it registered is that process's.
    pub(crate) fn name_root(&mut self, pid: u32) {
        for story in self.by_epitem.iter_mut().flatten() {
            if story.pid == 0 {
                story.pid = pid;
            }
            name_root(&mut story.steps, pid);
        }
    }

    /// Takes a story out; later events cannot be its own.
    pub(crate) fn remove(&mut self, id: EpitemId) -> Option<Box<Story>> {
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
    /// [`origin`](Stories::origin) has just found them.
    pub(crate) fn candidates(&self, epoll: EpollId, data: u64) -> &[EpitemId] {
        self.by_data.get(&(epoll, data)).map_or(&[], Vec::as_slice)
    }

    /// A frame of the stack under a call that a story may have kept.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        if let Some(story) = self.newest.and_then(|id| self.get_mut(id)) {
            add_frame(&mut story.steps, line, frame);
        }
    }

    /// Drops what only registrations that are gone had, now and then.
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
            if slot.as_ref().is_some_and(|story| !is_live(worlds, story)) {
                *slot = None;
            }
        }
    }
}

/// True while the registration a story tells of is there in Linux's world.
pub(crate) fn is_live(worlds: &Worlds, story: &Story) -> bool {
    let registration = story.in_worlds[0].and_then(|id| worlds.base().registration(id));
    registration.is_some_and(|r| r.epoll == story.epoll && r.file == story.file && r.fd == story.fd)
}
