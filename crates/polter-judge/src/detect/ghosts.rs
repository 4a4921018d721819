//! Ghosts: registrations whose fd no longer names their file in the table that registered it.
//!
//! An fd loses its file by `close`, by `dup2` over it, by exec, or with its table. If the registration is still there
//! afterwards, something else keeps the file: a duplicate, a forked process, a message.

use crate::input::Place;
use crate::judge::Judge;
use crate::state::{
    Filed, GhostTold, Orphaned, RegistrationHistory, WatchedSlot, is_live, watched,
};
use crate::verdict::{Class, Finding, Severity, Site, Step};
use eventpoll::{Descriptor, EpitemId, Fd, TableId, Tid};

impl Judge {
    /// The watched slot of an fd, if its clearing can matter.
    pub(crate) fn watched(&self, tid: Tid, fd: Fd) -> Option<WatchedSlot> {
        let descriptor = self.worlds.base().descriptor(tid, fd)?;
        let table = self.worlds.base().task(tid)?.table;
        watched(&self.worlds, &self.policy_removals, table, fd, descriptor)
    }

    /// The watched slots of a task's table, of those that `lose_fn` picks.
    pub(crate) fn watched_by_table(
        &self,
        tid: Tid,
        lose_fn: impl Fn(&Descriptor) -> bool,
    ) -> Vec<WatchedSlot> {
        let base = self.worlds.base();
        let Some(view) = base.task(tid).filter(|_| self.registrations.made > 0) else {
            return Vec::new();
        };
        let fds = base
            .fds(tid)
            .filter_map(|(fd, ..)| Some((fd, base.descriptor(tid, fd)?)));
        fds.filter(|(_, descriptor)| lose_fn(descriptor))
            .filter_map(|(fd, descriptor)| {
                watched(
                    &self.worlds,
                    &self.policy_removals,
                    view.table,
                    fd,
                    descriptor,
                )
            })
            .collect()
    }

    /// Slots were cleared: the registrations that their table made under them are gone now, or ghosts.
    pub(crate) fn orphans<'a>(
        &mut self,
        watched: impl IntoIterator<Item = &'a WatchedSlot> + Clone,
        process: u32,
        place: &Place<'_>,
        what: &str,
    ) {
        self.note_policy_removals(watched.clone(), process, false);
        for slot in watched {
            for id in &slot.ids {
                if self.is_still_registered(*id, slot) {
                    self.orphan(*id, slot, process, place.step(what));
                }
            }
            for id in slot.ids.iter().chain(&slot.others) {
                if !self.is_still_registered(*id, slot)
                    && let Some(history) = self.registrations.remove(*id)
                {
                    self.registration_ended(&history);
                    self.note_departed(*history, what, place);
                }
            }
        }
    }

    /// A table is gone. What it registered is no ghost as long as a process that has the instance also has the same fd
    /// for the same file.
    pub(crate) fn orphans_of_exit(&mut self, watched: &[WatchedSlot], process: u32) {
        for slot in watched {
            for id in &slot.ids {
                if self.is_still_registered(*id, slot) && !self.is_named_by_a_holder(*id) {
                    let text = "+++ exited +++".to_string();
                    let site = Site {
                        line: self.line,
                        time: self.clock,
                        pid: process,
                        text,
                        stack: Vec::new(),
                    };
                    self.orphan(
                        *id,
                        slot,
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

    /// True if the registration still has the slot's file and fd: its id may be another's by now.
    pub(super) fn is_still_registered(&self, id: EpitemId, slot: &WatchedSlot) -> bool {
        let registration = self.worlds.base().registration(id);
        registration.is_some_and(|r| r.file == slot.file && r.fd == slot.fd)
    }

    /// A registration becomes a ghost: notes who keeps the file, and which policies have mended it.
    fn orphan(&mut self, id: EpitemId, slot: &WatchedSlot, process: u32, step: Step) {
        self.ghosts.born += 1;
        let holders = self.holders(slot, process);
        let class = self.class_of(slot, process, &holders);
        // The fork that made the other copy. A handed-over file came by the fork that made this table.
        let tables: Vec<TableId> = match class {
            Class::HandedOverGhost => vec![slot.table],
            _ => self.tables_with_a_copy(&holders),
        };
        let is_sent = class == Class::ForkGhost
            && tables.is_empty()
            && holders.iter().any(|(table, _)| table.is_some());
        let copied: Vec<Step> = tables
            .into_iter()
            .filter_map(|table| self.sharing.copied(table).cloned())
            .collect();
        let Some(history) = self.registrations.get_mut(id) else {
            return;
        };
        if history.orphaned.is_some() {
            return;
        }
        if let Some(first) = history.steps.first().map(|step| step.site.line) {
            let is_its = |copy: &Step| class == Class::HandedOverGhost || copy.site.line > first;
            history
                .steps
                .extend(copied.into_iter().filter(is_its).take(2));
        }
        history.steps.push(step);
        history.steps.sort_by_key(|step| step.site.line);
        history.steps.dedup();
        history.orphaned = Some(Orphaned {
            class,
            is_cloexec: slot.is_cloexec,
            is_sent,
            holders: holders.into_iter().map(|(_, kept_by)| kept_by).collect(),
            since: self.time,
            told: GhostTold::Nothing,
            mended: self.worlds.note_ghost(history.id, &history.in_worlds),
        });
        let (epoll, fd) = (history.epoll, history.fd);
        self.ghosts.add(&self.registrations, id, epoll, fd);
    }

    /// True while a registration's fd does not name its file in its owner's table. It can do so again after a dup.
    pub(crate) fn is_ghost(&self, id: EpitemId) -> bool {
        let Some(history) = self.registrations.get(id) else {
            return false;
        };
        history.orphaned.is_some()
            && self.worlds.base().fd_in(history.owner, history.fd) != Some(history.file)
    }

    /// True if a process that has the instance has this fd for this file.
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

    /// Reports the ghosts that are gone. With many ghosts it works only now and then: it looks at every one.
    pub(crate) fn sweep_ghosts(&mut self) {
        if !self.ghosts.is_sweep_due() {
            return;
        }
        let mut at = 0;
        while at < self.ghosts.live.len() {
            let id = self.ghosts.live[at];
            let is_live = self
                .registrations
                .get(id)
                .is_some_and(|history| is_live(&self.worlds, history));
            if is_live {
                at += 1;
                continue;
            }
            self.ghosts.live.swap_remove(at);
            if let Some(history) = self.registrations.remove(id) {
                self.registration_ended(&history);
            }
        }
        self.ghosts.clean_up(&self.registrations);
    }

    /// An event came through a ghost: it is a finding from now on, however it ends.
    pub(crate) fn note_ghost_event(&mut self, id: EpitemId) {
        let history = self.registrations.get(id);
        let orphaned = history.and_then(|history| history.orphaned.as_ref());
        let Some((history, told)) = history.zip(orphaned.map(|orphaned| orphaned.told)) else {
            return;
        };
        let told = match told {
            GhostTold::Finding { at, is_own } => {
                self.findings.count_events(at, 1);
                if is_own && self.findings.is_live && is_power_of_ten(history.ghost_events) {
                    // Its sentence says how many there were.
                    let finding = self.finding_of_ghost(history, None);
                    self.findings.replace(at, finding);
                }
                return;
            }
            GhostTold::LeftOut => return,
            GhostTold::Nothing => None,
            GhostTold::Suspicion(at) => Some(at),
        };
        let finding = self.finding_of_ghost(history, None);
        let told = match self.findings.decide(told, finding) {
            Filed::Kept(at) => GhostTold::Finding { at, is_own: true },
            Filed::Repeated(at) => GhostTold::Finding { at, is_own: false },
            Filed::LeftOut => GhostTold::LeftOut,
        };
        self.set_told(id, told);
    }

    /// Time passes: a ghost that has lasted since the last time is suspected, though no event came through it.
    pub(crate) fn suspect_ghosts(&mut self) {
        for id in self.ghosts.live.clone() {
            let Some(history) = self.registrations.get(id) else {
                continue;
            };
            let is_old = history.orphaned.as_ref().is_some_and(|orphaned| {
                orphaned.told == GhostTold::Nothing
                    && orphaned.since < self.time
                    && (self.findings).may_suspect(orphaned.class, history.pid, &history.instance)
            });
            if !is_old || !is_live(&self.worlds, history) {
                continue;
            }
            let finding = self.finding_of_ghost(history, None);
            if let Some(at) = self.findings.suspect(finding) {
                self.set_told(id, GhostTold::Suspicion(at));
            }
        }
    }

    fn set_told(&mut self, id: EpitemId, told: GhostTold) {
        let orphaned = self.registrations.orphaned(id);
        if let Some(orphaned) = orphaned {
            orphaned.told = told;
        }
    }

    /// A registration is gone: if it was a ghost, its finding says so.
    pub(crate) fn registration_ended(&mut self, history: &RegistrationHistory) {
        self.report_ghost(history, Some(self.line));
    }

    /// The log is over: reports the ghosts that are left.
    pub(crate) fn end_ghosts(&mut self) {
        for id in std::mem::take(&mut self.ghosts.live) {
            if let Some(history) = self.registrations.remove(id) {
                let ended = (!is_live(&self.worlds, &history)).then_some(self.line);
                self.report_ghost(&history, ended);
            }
        }
    }

    /// A registration that was a ghost is gone, or the log is over: makes its finding, or completes it.
    fn report_ghost(&mut self, history: &RegistrationHistory, ended: Option<u64>) {
        let Some(orphaned) = &history.orphaned else {
            return;
        };
        let suspicion = match orphaned.told {
            GhostTold::Nothing => None,
            GhostTold::Suspicion(at) => Some(at),
            GhostTold::Finding { at, is_own: true } => {
                let finding = self.finding_of_ghost(history, ended);
                return self.findings.replace(at, finding);
            }
            GhostTold::Finding { .. } | GhostTold::LeftOut => return,
        };
        let finding = self.finding_of_ghost(history, ended);
        self.findings.decide(suspicion, finding);
    }

    /// The finding that a ghost makes, if it ends on this line, or lasts.
    fn finding_of_ghost(&self, history: &RegistrationHistory, ended: Option<u64>) -> Finding {
        let orphaned = history.orphaned.as_ref().expect("it is a ghost");
        // A ghost that reported nothing and is gone again did no harm in this log.
        let is_harmless = history.ghost_events == 0 && ended.is_some();
        let fd = history.fd;
        let harm = harm(history.ghost_events);
        let owner = self.tasks.tid(history.pid);
        let owner = owner.filter(|tid| self.process_and_table(*tid).1 == history.owner);
        let by_now = owner.and_then(|tid| self.worlds.base().fd(tid, fd));
        let harm = match by_now.filter(|file| *file != history.file) {
            Some(_) => format!("{harm}; fd {fd} names another file by now"),
            None => harm,
        };
        let who = who_keeps_it(orphaned);
        Finding {
            class: orphaned.class,
            severity: if is_harmless {
                Severity::Note
            } else {
                Severity::Fault
            },
            pid: history.pid,
            fd: fd.0,
            instance: history.instance.clone(),
            summary: format!("fd {fd} was closed without EPOLL_CTL_DEL, and {who}; {harm}"),
            story: history.steps.clone(),
            holders: orphaned.holders.clone(),
            events: history.ghost_events,
            ended,
            fix: fix(orphaned, fd),
            repeated: 0,
            mended_by: self.worlds.policies_of(orphaned.mended),
        }
    }
}

fn is_power_of_ten(count: u64) -> bool {
    count
        .checked_ilog10()
        .is_some_and(|digits| 10_u64.pow(digits) == count)
}

/// Who keeps the file, for the summary.
fn who_keeps_it(orphaned: &Orphaned) -> &'static str {
    match orphaned.class {
        Class::DupGhost => "a duplicate of the fd keeps the file open",
        Class::HandedOverGhost => {
            "the process it came from, or another one it was sent to, keeps the file open"
        }
        Class::InFlightGhost => "a message or an io_uring keeps the file open",
        _ if orphaned.is_sent => "a process that was sent the file keeps it open",
        _ => "a forked process keeps the file open",
    }
}

/// What came of it, for the summary.
fn harm(events: u64) -> String {
    match events {
        0 => "no event came through it in this log".to_string(),
        1 => "1 event was reported for an fd that no longer names the file".to_string(),
        events => format!("{events} events were reported for an fd that no longer names the file"),
    }
}

fn fix(orphaned: &Orphaned, fd: Fd) -> String {
    let how = match orphaned.class {
        Class::DupGhost => "before closing it, or register the descriptor that stays open",
        Class::InFlightGhost => "before closing what was sent away",
        Class::HandedOverGhost => "before closing it: the file is not yours alone",
        _ if orphaned.is_sent => "before closing it: another process has been sent the file",
        // Between fork and exec the child has the file in spite of O_CLOEXEC.
        _ if orphaned.is_cloexec => "before closing it: O_CLOEXEC acts only once the child execs",
        _ => "before closing it, or keep it from the child with O_CLOEXEC and an exec",
    };
    format!("EPOLL_CTL_DEL {fd} {how}")
}
