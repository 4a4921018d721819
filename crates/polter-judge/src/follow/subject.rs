//! What a finding is about, in Linux's world: its file, its instance, its registrations. Looked at after each event.

use super::holders::holders;
use super::lives::{FileLife, FindingLives, HolderLife, RegistrationLife, Span};
use crate::judge::Judge;
use crate::verdict::{Finding, KeptBy};
use eventpoll::{EpitemId, EpollId, Fd, FileId, Tid};

/// Most lives of holders kept for a finding.
const MAX_HOLDERS: usize = 200;
/// Most registrations followed for a finding.
const MAX_REGISTRATIONS: usize = 8;

/// What a finding is about, and how long each part of it has lived.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) file: Option<FileId>,
    pub(super) is_file_alive: bool,
    pub(super) epoll: Option<EpollId>,
    /// The data of its registration's events.
    pub(super) data: Option<u64>,
    pub(super) lives: FindingLives,
    registrations: Vec<EpitemId>,
    /// Who has the file now, with the index of the life.
    holders: Vec<(KeptBy, usize)>,
    references: u32,
}

impl Subject {
    /// Looks for what the finding is about, before or after a call of its story.
    ///
    /// `since_fn` tells since when somebody has a file that was there before.
    pub(super) fn find(
        &mut self,
        judge: &Judge,
        finding: &Finding,
        file_before: Option<FileId>,
        since_fn: impl Fn(FileId, &KeptBy) -> Option<u64>,
    ) {
        let base = judge.worlds.base();
        if self.epoll.is_none() {
            let tid = tid_of(judge, finding.instance.pid);
            let named = tid.filter(|_| finding.instance.fd >= 0);
            let file = named.and_then(|tid| base.fd(tid, Fd(finding.instance.fd)));
            self.epoll = file.and_then(|file| base.epoll_of(file));
        }
        if self.file.is_none()
            && let Some(file) = named(judge, finding).or(file_before)
        {
            self.file = Some(file);
            self.is_file_alive = true;
            self.references = base.references(file);
            let made = judge.labels.get(file).and_then(|label| label.line);
            let life = Span {
                from: made,
                to: None,
            };
            self.lives.file = Some(FileLife { what: None, life });
            self.note_holders(judge, |who| since_fn(file, who));
        }
        self.note_registrations(judge);
    }

    /// New registrations of the file in the instance.
    pub(super) fn note_registrations(&mut self, judge: &Judge) {
        let (Some(file), Some(epoll)) = (self.file.filter(|_| self.is_file_alive), self.epoll)
        else {
            return;
        };
        let all = judge.worlds.base().registrations_of_file(file);
        for it in all.filter(|it| it.epoll == epoll) {
            let is_known = self.registrations.contains(&it.id);
            if is_known || self.lives.registrations.len() >= MAX_REGISTRATIONS {
                continue;
            }
            let history = judge.registrations.get(it.id);
            let from = history.and_then(|history| history.steps.first());
            self.registrations.push(it.id);
            self.data = Some(it.event.data);
            self.lives.registrations.push(RegistrationLife {
                fd: it.fd.0,
                life: Span {
                    from: from.map(|step| step.site.line),
                    to: None,
                },
                ghost: None,
            });
        }
    }

    /// An event may have changed descriptors or registrations: notes what began and what ended.
    pub(super) fn look(&mut self, judge: &Judge, may_move: bool) {
        let Some(file) = self.file.filter(|_| self.is_file_alive) else {
            return;
        };
        let base = judge.worlds.base();
        self.note_registrations(judge);
        let of = self.registrations.iter().zip(&mut self.lives.registrations);
        for (id, life) in of.filter(|(_, life)| life.life.to.is_none()) {
            let now = base.registration(*id);
            let now = now.filter(|it| (it.file, Some(it.epoll)) == (file, self.epoll));
            match now {
                Some(it) => {
                    self.data = Some(it.event.data);
                    life.note_ghost(judge.is_ghost(*id), judge.line);
                }
                None => life.end(judge.line),
            }
        }
        let references = base.references(file);
        if references == self.references && !may_move {
            return;
        }
        self.references = references;
        self.note_holders(judge, |_| Some(judge.line));
        if references == 0 {
            self.is_file_alive = false;
            if let Some(file) = &mut self.lives.file {
                file.life.to = Some(judge.line);
            }
        }
    }

    /// Who has the file now: begins and ends lives.
    fn note_holders(&mut self, judge: &Judge, since_fn: impl Fn(&KeptBy) -> Option<u64>) {
        let Some(file) = self.file else { return };
        let now = holders(judge, file);
        let line = judge.line;
        self.holders.retain(|(who, at)| {
            let stays = now.contains(who);
            if !stays {
                self.lives.holders[*at].life.to = Some(line);
            }
            stays
        });
        for who in now {
            let is_known = self.holders.iter().any(|(known, _)| *known == who);
            if is_known || self.lives.holders.len() >= MAX_HOLDERS {
                continue;
            }
            let from = since_fn(&who);
            self.holders.push((who.clone(), self.lives.holders.len()));
            self.lives.holders.push(HolderLife {
                who,
                life: Span { from, to: None },
            });
        }
    }
}

/// The file that the finding's fd names in its process.
pub(super) fn named(judge: &Judge, finding: &Finding) -> Option<FileId> {
    let tid = tid_of(judge, finding.pid)?;
    judge.worlds.base().fd(tid, Fd(finding.fd))
}

/// The task of a pid; before any line tells its pid, the first task has none.
fn tid_of(judge: &Judge, pid: u32) -> Option<Tid> {
    judge.tasks.tid(pid).or_else(|| judge.tasks.tid(0))
}
