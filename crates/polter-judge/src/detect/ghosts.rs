//! Ghosts: registrations whose fd no longer names their file in the table that registered it.
//!
//! An fd loses its file by `close`, by `dup2` over it, by exec, or with its table. If the registration is still there
//! afterwards, something else keeps the file: a duplicate, a forked process, a message.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::{CLOSELY_WATCHED, Orphaned, Story, Watched, is_ghost_of, is_live, watched};
use crate::verdict::{Class, Finding, Severity, Site, Step};
use eventpoll::{Descriptor, EpitemId, Fd, TableId, Tid};

impl Judge {
    pub(crate) fn watched(&self, tid: Tid, fd: Fd) -> Option<Watched> {
        let descriptor = self.worlds.base().descriptor(tid, fd)?;
        let table = self.worlds.base().task(tid)?.table;
        watched(&self.worlds, &self.takings, table, fd, descriptor)
    }

    /// The watched numbers of a task's table that `lose_fn` picks.
    pub(crate) fn watched_by_table(
        &self,
        tid: Tid,
        lose_fn: impl Fn(&Descriptor) -> bool,
    ) -> Vec<Watched> {
        let base = self.worlds.base();
        let Some(view) = base.task(tid).filter(|_| self.stories.told > 0) else {
            return Vec::new();
        };
        let numbers = base
            .fds(tid)
            .filter_map(|(fd, ..)| Some((fd, base.descriptor(tid, fd)?)));
        numbers
            .filter(|(_, descriptor)| lose_fn(descriptor))
            .filter_map(|(fd, descriptor)| {
                watched(&self.worlds, &self.takings, view.table, fd, descriptor)
            })
            .collect()
    }

    /// Numbers were cleared: what their table has still registered under them is a ghost now.
    pub(crate) fn orphans<'a>(
        &mut self,
        watched: impl IntoIterator<Item = &'a Watched> + Clone,
        process: u32,
        place: &Place<'_>,
        what: &str,
    ) {
        self.note_takings(watched.clone(), process, false);
        for number in watched {
            for id in &number.ids {
                if self.is_still_registered(*id, number) {
                    self.orphan(*id, number, process, place.step(what));
                }
            }
            for id in number.ids.iter().chain(&number.others) {
                if !self.is_still_registered(*id, number)
                    && let Some(story) = self.stories.remove(*id)
                {
                    self.registration_ended(&story);
                    self.note_departed(*story, what, place);
                }
            }
        }
    }

    /// A table is gone. What it registered lives on without harm while a
    /// process that has the instance has the same number for the same file.
    pub(crate) fn orphans_of_exit(&mut self, watched: &[Watched], process: u32) {
        for number in watched {
            for id in &number.ids {
                if self.is_still_registered(*id, number) && !self.is_named_by_a_holder(*id) {
                    let text = "+++ exited +++".to_string();
                    let site = Site {
                        line: self.line,
                        pid: process,
                        text,
                        stack: Vec::new(),
                    };
                    self.orphan(
                        *id,
                        number,
                        process,
                        Step {
                            what: "its owner is gone".to_string(),
                            site,
                        },
                    );
                }
            }
        }
    }

    pub(crate) fn is_still_registered(&self, id: EpitemId, number: &Watched) -> bool {
        let registration = self.worlds.base().registration(id);
        registration.is_some_and(|r| r.file == number.file && r.fd == number.fd)
    }

    fn orphan(&mut self, id: EpitemId, number: &Watched, process: u32, step: Step) {
        self.ghosts.born += 1;
        let holders = self.holders(number, process);
        let class = self.class_of(number, process, &holders);
        // How the other copy came to be: by the fork that gave it away, or the one that gave this one.
        let tables: Vec<TableId> = match class {
            Class::HandedOverGhost => vec![number.table],
            _ => self.tables_with_a_copy(&holders),
        };
        let is_sent = class == Class::ForkGhost
            && tables.is_empty()
            && holders.iter().any(|(table, _)| table.is_some());
        let copied: Vec<Step> = tables
            .into_iter()
            .filter_map(|table| self.sharing.copied(table).cloned())
            .collect();
        let Some(story) = self.stories.get_mut(id) else {
            return;
        };
        if story.orphaned.is_some() {
            return;
        }
        if let Some(first) = story.steps.first().map(|step| step.site.line) {
            let is_its = |copy: &Step| class == Class::HandedOverGhost || copy.site.line > first;
            story
                .steps
                .extend(copied.into_iter().filter(is_its).take(2));
        }
        story.steps.push(step);
        story.steps.sort_by_key(|step| step.site.line);
        story.steps.dedup();
        story.orphaned = Some(Orphaned {
            class,
            is_cloexec: number.is_cloexec,
            is_sent,
            holders: holders.into_iter().map(|(_, kept_by)| kept_by).collect(),
        });
        self.worlds.note_ghost(story.id, &story.in_worlds);
        let (epoll, fd) = (story.epoll, story.fd);
        self.ghosts.live.push(id);
        let of_number = self.ghosts.by_number.entry((epoll, fd)).or_default();
        if of_number.len().is_power_of_two() {
            of_number.retain(|id| is_ghost_of(&self.stories, *id, epoll, fd));
        }
        of_number.push(id);
    }

    /// True while a registration's number does not name its file for its owner.
    pub(crate) fn is_ghost(&self, id: EpitemId) -> bool {
        let Some(story) = self.stories.get(id) else {
            return false;
        };
        story.orphaned.is_some()
            && self.worlds.base().fd_in(story.owner, story.fd) != Some(story.file)
    }

    /// True if some process that has the instance has this number for this file.
    fn is_named_by_a_holder(&self, id: EpitemId) -> bool {
        let base = self.worlds.base();
        let Some(registration) = base.registration(id) else {
            return false;
        };
        let Some(epoll_file) = base.epoll_file(registration.epoll) else {
            return false;
        };
        base.tasks().any(|(tid, view)| {
            base.fd_in(view.table, registration.fd) == Some(registration.file)
                && base.fds(tid).any(|(_, file, _)| file == epoll_file)
        })
    }

    /// Looks for ghosts that are gone.
    pub(crate) fn sweep_ghosts(&mut self) {
        if self.ghosts.live.is_empty() {
            return;
        }
        self.ghosts.sweeps += 1;
        if self.ghosts.live.len() > CLOSELY_WATCHED && !self.ghosts.sweeps.is_multiple_of(256) {
            return;
        }
        let mut at = 0;
        while at < self.ghosts.live.len() {
            let id = self.ghosts.live[at];
            let is_live = self
                .stories
                .get(id)
                .is_some_and(|story| is_live(&self.worlds, story));
            if is_live {
                at += 1;
                continue;
            }
            self.ghosts.live.swap_remove(at);
            if let Some(story) = self.stories.remove(id) {
                self.registration_ended(&story);
            }
        }
        if self.ghosts.by_number.len() > 2 * self.ghosts.live.len() {
            let stories = &self.stories;
            self.ghosts.by_number.retain(|(epoll, fd), ids| {
                ids.retain(|id| is_ghost_of(stories, *id, *epoll, *fd));
                !ids.is_empty()
            });
        }
    }

    /// A registration is gone: if it was a ghost, that is a finding.
    pub(crate) fn registration_ended(&mut self, story: &Story) {
        self.report_ghost(story, Some(self.line));
    }

    /// The log is over; ghosts that are there still lasted to the end.
    pub(crate) fn end_ghosts(&mut self) {
        for id in std::mem::take(&mut self.ghosts.live) {
            if let Some(story) = self.stories.remove(id) {
                let ended = (!is_live(&self.worlds, &story)).then_some(self.line);
                self.report_ghost(&story, ended);
            }
        }
    }

    fn report_ghost(&mut self, story: &Story, ended: Option<u64>) {
        let Some(orphaned) = &story.orphaned else {
            return;
        };
        // A ghost that nobody was told of and that is gone again did no harm here.
        let is_harmless = story.ghost_events == 0 && ended.is_some();
        let who = match orphaned.class {
            Class::DupGhost => "a duplicate of the descriptor keeps the file alive",
            Class::HandedOverGhost => {
                "the process it came from, or another it went to, keeps the file alive"
            }
            Class::InFlightGhost => "a message or a ring keeps the file alive",
            _ if orphaned.is_sent => "a process that was sent the file keeps it alive",
            _ => "a forked process keeps the file alive",
        };
        let harm = match story.ghost_events {
            0 => "no event came through it in this log".to_string(),
            1 => "an event was reported for a number that no longer means it".to_string(),
            events => format!("{events} events were reported for a number that no longer means it"),
        };
        let fd = story.fd;
        let fix = match orphaned.class {
            Class::DupGhost => format!(
                "EPOLL_CTL_DEL {fd} before closing it, or register the descriptor that stays open"
            ),
            Class::InFlightGhost => format!("EPOLL_CTL_DEL {fd} before closing what was sent away"),
            Class::HandedOverGhost => {
                format!("EPOLL_CTL_DEL {fd} before closing it: the file is not yours alone")
            }
            _ if orphaned.is_sent => {
                format!(
                    "EPOLL_CTL_DEL {fd} before closing it: another process has been sent the file"
                )
            }
            // Between fork and exec the child has it all the same.
            _ if orphaned.is_cloexec => {
                format!(
                    "EPOLL_CTL_DEL {fd} before closing it: O_CLOEXEC acts only once the child execs"
                )
            }
            _ => format!(
                "EPOLL_CTL_DEL {fd} before closing it, or keep it from the child with O_CLOEXEC and an exec"
            ),
        };
        let owner = self.tasks.tid(story.pid);
        let owner = owner.filter(|tid| self.process_and_table(*tid).1 == story.owner);
        let by_now = owner.and_then(|tid| self.worlds.base().fd(tid, fd));
        let harm = match by_now.filter(|file| *file != story.file) {
            Some(_) => format!("{harm}; {fd} means another file by now"),
            None => harm,
        };
        let finding = Finding {
            class: orphaned.class,
            severity: if is_harmless {
                Severity::Note
            } else {
                Severity::Fault
            },
            pid: story.pid,
            fd: fd.0,
            instance: story.instance.clone(),
            summary: format!("{fd} was closed without EPOLL_CTL_DEL and {who}; {harm}"),
            story: story.steps.clone(),
            holders: orphaned.holders.clone(),
            events: story.ghost_events,
            ended,
            fix,
            repeated: 0,
        };
        self.book.find(finding);
    }
}
