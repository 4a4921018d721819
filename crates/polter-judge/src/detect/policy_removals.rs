//! Decides whether a policy's removal of a registration would be noticed in every order of calls.
//!
//! A policy can remove a registration because another process closed its fd. Whether the first process notices can
//! depend on which of the two was faster. So these calls become sync events (`state::happens_before`): the ADD of a file
//! that others have too, its DEL, and a close.
//!
//! ```text
//!   ADD in B ══▶ close in A ══▶ DEL in B     each happens before the next: breaks in any order
//!   ADD in B ──▶ close in A ──▶ DEL in B     one does not: breaks in this log's order
//!   ADD in B ══▶ DEL in B ──▶ close in A     by chance: breaks in another order
//!   close in A ──▶ ADD in B ══▶ DEL in B     the same
//! ```

use crate::input::Place;
use crate::judge::Judge;
use crate::state::{MAX_PAST, Mark, PastCall, Taking, Watched, WorldSet, not_found};
use eventpoll::{EpitemId, Fd, FileId};
use std::collections::VecDeque;

impl Judge {
    /// A mark for a call of a process.
    pub(crate) fn mark(&mut self, process: u32) -> Option<Mark> {
        let (takings, stories) = (&self.takings, &self.stories);
        self.order.mark(process, |used| {
            let past = takings.removed.marks().chain(takings.cleared.marks());
            let marks = takings.open.marks().chain(past);
            marks.for_each(|mark| used.insert(mark));
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
        let (mut mark, mut cleared) = (None, VecDeque::new());
        // A child that ends clears thousands of numbers: what is the same for all is asked once.
        let takers = (self.worlds).those_that_take(WorldSet::all(), is_exit);
        for number in watched {
            self.note_late_takings(number, process, is_exit);
            if !takers.is_empty() && !self.takings.open.is_full() && !self.order.is_ignored() {
                for id in &number.others {
                    self.note_taking(*id, number, process, takers, &mut mark);
                }
            }
            // One of those who have the file too may register it just after.
            if !takers.is_empty() && self.worlds.base().references(number.file) > 0 {
                // An exit clears more than is remembered: the last ones are.
                if cleared.len() >= MAX_PAST {
                    cleared.pop_front();
                }
                cleared.push_back(number);
            }
        }
        self.note_cleared(cleared, process, is_exit, mark);
    }

    fn note_taking(
        &mut self,
        id: EpitemId,
        number: &Watched,
        process: u32,
        takers: WorldSet,
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
        let lacking = (self.worlds).lacking(story_id, &story.in_worlds, takers);
        for world in lacking.iter() {
            if self.takings.open.has(story_id, world) || self.takings.open.is_full() {
                continue;
            }
            *mark = mark.or_else(|| self.mark(process));
            if let Some(mark) = *mark {
                let taking = Taking {
                    world,
                    mark,
                    knew_of_add,
                    breaks: 0,
                };
                (self.takings.open).insert(story_id, id, number.file, taking);
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
        for past in self.takings.removed.of_mut(number.file, number.fd) {
            if past.born != born || past.process == process || self.order.knows(process, past.mark)
            {
                continue;
            }
            let late = self.worlds.those_that_take(past.worlds, is_exit);
            if let Some(site) = &past.site {
                (self.worlds).note_other_order(late, || not_found(site.clone()));
            }
            past.worlds = past.worlds.without(late);
        }
    }

    fn note_cleared<'a>(
        &mut self,
        cleared: impl IntoIterator<Item = &'a Watched>,
        process: u32,
        is_exit: bool,
        mut mark: Option<Mark>,
    ) {
        let worlds = self.worlds.those_that_take(WorldSet::all(), is_exit);
        for number in cleared {
            mark = mark.or_else(|| self.mark(process));
            let Some(mark) = mark else { return };
            let (file, fd) = (number.file, number.fd);
            let site = None;
            let past = PastCall {
                file,
                born: self.made_on(file),
                fd,
                process,
                worlds,
                mark,
                site,
            };
            self.takings.cleared.remember(past);
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
        self.takings.removed.forget(file, fd, process);
        let mut worlds = WorldSet::default();
        let born = self.made_on(file);
        for past in self.takings.cleared.of(file, fd) {
            if past.born == born && past.process != process && !self.order.knows(process, past.mark)
            {
                worlds = worlds.with(past.worlds);
            }
        }
        if !worlds.is_empty() {
            if self.takings.possible.len() >= MAX_PAST {
                self.takings.possible.pop_first();
            }
            self.takings.possible.insert(story, worlds);
        }
        if self.worlds.base().references(file) < 2 {
            return None;
        }
        self.mark(process)
    }

    /// A process uses a registration: if it knows of the taking, so would it in any order.
    pub(crate) fn confirm_takings(&mut self, story: u64, process: u32) {
        let order = &self.order;
        let is_certain = |taking: &Taking| taking.knew_of_add && order.knows(process, taking.mark);
        self.takings.open.confirm(story, is_certain);
    }

    /// Registrations have ended in Linux's world by what a process did: some of this file's, or of any. If it does
    /// not know that they were taken, the taking could have come later.
    pub(crate) fn settle_takings(&mut self, process: u32, file: Option<FileId>) {
        if self.takings.open.is_empty() {
            return;
        }
        let (base, stories) = (self.worlds.base(), &self.stories);
        let has_ended = |number: u64, id: EpitemId| {
            let story = stories.get(id);
            !base.is_registered(id) || story.is_none_or(|story| story.id != number)
        };
        let is_behind = std::mem::take(&mut self.takings.is_behind);
        let file = file.filter(|_| !is_behind);
        for (story, taking) in self.takings.open.take_ended(file, has_ended) {
            if !taking.knew_of_add || !self.order.knows(process, taking.mark) {
                (self.worlds).doubt(taking.world, story, taking.breaks);
            }
        }
    }

    /// A number of this file was cleared by a process: registrations end with the last one.
    pub(crate) fn settle_cleared(&mut self, process: u32, file: Option<FileId>, was_epoll: bool) {
        let Some(file) = file else { return };
        if self.worlds.base().references(file) == 0 || self.takings.is_behind {
            self.settle_takings(process, Some(file).filter(|_| !was_epoll));
        }
    }

    /// The log is over. What was taken and not settled was taken while it was of
    /// use, if it was there to be taken in any order.
    pub(crate) fn end_takings(&mut self) {
        for (story, taking) in self.takings.open.take_ended(None, |_, _| true) {
            if !taking.knew_of_add {
                (self.worlds).doubt(taking.world, story, taking.breaks);
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
            let past = PastCall {
                file,
                born: self.made_on(file),
                fd,
                process,
                worlds,
                mark,
                site,
            };
            self.takings.removed.remember(past);
        }
    }

    fn made_on(&self, file: FileId) -> Option<u64> {
        self.labels.get(file)?.line
    }
}
