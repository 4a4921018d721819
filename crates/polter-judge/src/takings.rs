//! Registrations that a policy takes from a process because another has closed the number.
//!
//! Whether the first process would have noticed can depend on which of the two was faster. So the ADD of a file that
//! others have too, its DEL, and a close get marks ([`crate::order`]):
//!
//! ```text
//!   ADD in B ══▶ close in A ══▶ DEL in B     each knows of the one before: breaks in any order
//!   ADD in B ──▶ close in A ──▶ DEL in B     one does not: breaks in this log's order
//!   ADD in B ══▶ DEL in B ──▶ close in A     by chance: breaks in another order
//!   close in A ──▶ ADD in B ══▶ DEL in B     the same
//! ```

use crate::ghosts::Watched;
use crate::judge::Judge;
use crate::order::Mark;
use crate::site::{Place, Site};
use crate::verdict::{Break, Broken};
use crate::worlds::WorldSet;
use eventpoll::{EpitemId, Errno, Fd, FileId};
use std::collections::VecDeque;

/// Takings that may wait for their end at once; beyond, the log's order counts as the only one.
const MAX_OPEN: usize = 1024;
/// DELs, closes and what they may mean for an ADD, of each so many remembered at once.
const MAX_PAST: usize = 256;

/// What has been taken, and what could have been.
#[derive(Debug, Default)]
pub(crate) struct Takings {
    /// Registrations that live in Linux's world and were taken in another.
    open: Vec<Taking>,
    /// Registrations that would be taken in another order.
    possible: Vec<Possible>,
    /// DELs of files that others have too, oldest first.
    removed: VecDeque<Past>,
    /// Closes of numbers of files that others have too, oldest first.
    cleared: VecDeque<Past>,
}

/// A registration is gone in a world.
#[derive(Debug)]
struct Taking {
    story: u64,
    id: EpitemId,
    world: usize,
    mark: Mark,
    /// Who took it knew that it was there.
    knew_of_add: bool,
    /// What broke by it since.
    breaks: u64,
}

/// A registration would be gone in these worlds.
#[derive(Debug)]
struct Possible {
    story: u64,
    worlds: WorldSet,
}

/// A DEL or a close that another call could have overtaken.
#[derive(Debug)]
struct Past {
    file: FileId,
    /// The line the file was made on: another file may get its id.
    born: Option<u64>,
    fd: Fd,
    process: u32,
    /// Where it matters.
    worlds: WorldSet,
    mark: Mark,
    site: Option<Site>,
}

impl Takings {
    /// True if a DEL of this file and number is remembered.
    pub(crate) fn has_removed(&self, file: FileId, fd: Fd) -> bool {
        let mut removed = self.removed.iter();
        removed.any(|past| (past.file, past.fd) == (file, fd))
    }

    fn has(&self, story: u64, world: usize) -> bool {
        let mut open = self.open.iter();
        open.any(|taking| (taking.story, taking.world) == (story, world))
    }

    /// A registration's absence was felt in these worlds.
    pub(crate) fn felt(&mut self, story: u64, worlds: WorldSet) {
        let of_story = self.open.iter_mut().filter(|taking| taking.story == story);
        for taking in of_story.filter(|taking| worlds.has(taking.world)) {
            taking.breaks += 1;
        }
    }

    /// A registration is used: where would its absence be felt in another order? Says so once.
    pub(crate) fn felt_in_another_order(&mut self, story: u64) -> WorldSet {
        let at = self
            .possible
            .iter()
            .position(|possible| possible.story == story);
        at.map_or(WorldSet::default(), |at| {
            self.possible.swap_remove(at).worlds
        })
    }

    fn remember(list: &mut VecDeque<Past>, past: Past) {
        list.retain(|old| (old.file, old.fd, old.process) != (past.file, past.fd, past.process));
        if list.len() >= MAX_PAST {
            list.pop_front();
        }
        list.push_back(past);
    }
}

impl Judge {
    /// A mark for a call of a process.
    pub(crate) fn mark(&mut self, process: u32) -> Option<Mark> {
        let (takings, stories) = (&self.takings, &self.stories);
        self.order.mark(process, |used| {
            takings
                .open
                .iter()
                .for_each(|taking| used.insert(taking.mark));
            let past = takings.removed.iter().chain(&takings.cleared);
            past.for_each(|past| used.insert(past.mark));
            stories.marks().for_each(|mark| used.insert(mark));
        })
    }

    /// Numbers were cleared by a process: what became of the others' registrations?
    pub(crate) fn note_takings<'a>(
        &mut self,
        watched: impl IntoIterator<Item = &'a Watched>,
        process: u32,
        is_exit: bool,
    ) {
        let mut mark = None;
        for number in watched {
            self.note_late_takings(number, process, is_exit);
            for id in &number.others {
                self.note_taking(*id, number, process, &mut mark);
            }
            self.note_clearing(number, process, is_exit, &mut mark);
        }
        self.settle_takings(process);
    }

    fn note_taking(
        &mut self,
        id: EpitemId,
        number: &Watched,
        process: u32,
        mark: &mut Option<Mark>,
    ) {
        let story = self.stories.get(id);
        let Some(story) = story.filter(|story| story.pid != process) else {
            return;
        };
        if !self.is_still_registered(id, number) {
            return;
        }
        let (story_id, added) = (story.id, story.added);
        let knew_of_add = added.is_none_or(|added| self.order.knows(process, added));
        for world in self.worlds.lacking(story_id, &story.in_worlds).iter() {
            if self.takings.has(story_id, world) || self.takings.open.len() >= MAX_OPEN {
                continue;
            }
            *mark = mark.or_else(|| self.mark(process));
            if let Some(mark) = *mark {
                self.takings.open.push(Taking {
                    story: story_id,
                    id,
                    world,
                    mark,
                    knew_of_add,
                    breaks: 0,
                });
            }
        }
    }

    /// A process closes what another has registered and removed: had it been
    /// faster, the DEL would have found nothing.
    fn note_late_takings(&mut self, number: &Watched, process: u32, is_exit: bool) {
        if self.takings.removed.is_empty() {
            return;
        }
        let born = self.made_on(number.file);
        for past in &mut self.takings.removed {
            let is_it = (past.file, past.fd, past.born) == (number.file, number.fd, born);
            if !is_it || past.process == process || self.order.knows(process, past.mark) {
                continue;
            }
            let late = self.worlds.those_that_take(past.worlds, is_exit);
            if let Some(site) = &past.site {
                (self.worlds).note_other_order(late, || not_found(site.clone()));
            }
            past.worlds = past.worlds.without(late);
        }
    }

    /// A process closes what others have too: one of them may register it just after.
    fn note_clearing(
        &mut self,
        number: &Watched,
        process: u32,
        is_exit: bool,
        mark: &mut Option<Mark>,
    ) {
        let (file, fd) = (number.file, number.fd);
        let worlds = self.worlds.those_that_take(WorldSet::all(), is_exit);
        if worlds.is_empty() || self.worlds.base().references(file) == 0 {
            return;
        }
        *mark = mark.or_else(|| self.mark(process));
        if let Some(mark) = *mark {
            let site = None;
            let past = Past {
                file,
                born: self.made_on(file),
                fd,
                process,
                worlds,
                mark,
                site,
            };
            Takings::remember(&mut self.takings.cleared, past);
        }
    }

    /// A registration was made of a file that others may have: its mark, if they have.
    pub(crate) fn note_shared_add(
        &mut self,
        story: u64,
        file: FileId,
        fd: Fd,
        process: u32,
    ) -> Option<Mark> {
        let removed = &mut self.takings.removed;
        removed.retain(|past| (past.file, past.fd, past.process) != (file, fd, process));
        let mut worlds = WorldSet::default();
        let born = self.made_on(file);
        for past in &self.takings.cleared {
            let is_it = (past.file, past.fd, past.born) == (file, fd, born);
            if is_it && past.process != process && !self.order.knows(process, past.mark) {
                worlds = worlds.with(past.worlds);
            }
        }
        if !worlds.is_empty() {
            if self.takings.possible.len() >= MAX_PAST {
                self.takings.possible.remove(0);
            }
            self.takings.possible.push(Possible { story, worlds });
        }
        if self.worlds.base().references(file) < 2 {
            return None;
        }
        self.mark(process)
    }

    /// A process uses a registration: if it knows of the taking, so would it in any order.
    pub(crate) fn confirm_takings(&mut self, story: u64, process: u32) {
        let order = &self.order;
        self.takings.open.retain(|taking| {
            let is_certain = taking.knew_of_add && order.knows(process, taking.mark);
            taking.story != story || !is_certain
        });
    }

    /// Registrations have ended in Linux's world by what a process did. If it
    /// does not know that they were taken, the taking could have come later.
    pub(crate) fn settle_takings(&mut self, process: u32) {
        if self.takings.open.is_empty() {
            return;
        }
        let (base, stories) = (self.worlds.base(), &self.stories);
        let has_ended = |taking: &mut Taking| {
            let story = stories.get(taking.id);
            base.registration(taking.id).is_none()
                || story.is_none_or(|story| story.id != taking.story)
        };
        let ended: Vec<Taking> = self.takings.open.extract_if(.., has_ended).collect();
        for taking in ended {
            if !taking.knew_of_add || !self.order.knows(process, taking.mark) {
                (self.worlds).doubt(taking.world, taking.story, taking.breaks);
            }
        }
    }

    /// The log is over. What was taken and not settled was taken while it was of
    /// use, if it was there to be taken in any order.
    pub(crate) fn end_takings(&mut self) {
        for taking in std::mem::take(&mut self.takings.open) {
            if !taking.knew_of_add {
                (self.worlds).doubt(taking.world, taking.story, taking.breaks);
            }
        }
    }

    /// A registration is removed by DEL, maybe of a file that others have too.
    pub(crate) fn remember_removal(
        &mut self,
        id: EpitemId,
        process: u32,
        worlds: WorldSet,
        place: &Place<'_>,
    ) {
        let Some(story) = self.stories.get(id) else {
            return;
        };
        let (file, fd) = (story.file, story.fd);
        if worlds.is_empty() || self.worlds.base().references(file) < 2 {
            return;
        }
        if let Some(mark) = self.mark(process) {
            let site = Some(place.site());
            let past = Past {
                file,
                born: self.made_on(file),
                fd,
                process,
                worlds,
                mark,
                site,
            };
            Takings::remember(&mut self.takings.removed, past);
        }
    }

    fn made_on(&self, file: FileId) -> Option<u64> {
        self.labels.get(file)?.line
    }
}

/// What a DEL that comes too late is told.
pub(crate) fn not_found(site: Site) -> Break {
    Break {
        site,
        what: Broken::Result {
            was: "0".to_owned(),
            would_be: format!("-1 {}", Errno::ENOENT.name()),
        },
        depends_on_order: true,
    }
}
