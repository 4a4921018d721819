//! The lives of all registrations of a log, those of findings and those that are all right.

use super::holders::users;
use super::lives::{RegistrationLife, RegistrationOf, Span};
use crate::judge::Judge;
use eventpoll::{EpitemId, EpollId, FileId};
use polter_trace::EventKind;
use rustc_hash::FxHashMap;

/// Most lives kept.
const MOST: usize = 50_000;

/// A registration that lives, with the index of its life.
#[derive(Debug)]
struct Open {
    id: EpitemId,
    epoll: EpollId,
    at: usize,
}

/// All registrations, the live ones by their files.
#[derive(Debug, Default)]
pub(super) struct AllRegistrations {
    lives: Vec<RegistrationOf>,
    left_out: u64,
    open: FxHashMap<FileId, Vec<Open>>,
}

impl AllRegistrations {
    /// An event has taken effect; `files` are those that its call named before and names now.
    pub(super) fn note(&mut self, judge: &Judge, kind: &EventKind<'_>, files: [Option<FileId>; 2]) {
        match name_of(kind) {
            "epoll_ctl" => {
                for file in files.into_iter().flatten() {
                    self.begin(judge, file);
                    self.look(judge, file);
                }
            }
            "close" => files
                .into_iter()
                .flatten()
                .for_each(|file| self.look(judge, file)),
            "dup2" | "dup3" | "close_range" | "execve" | "execveat" | "exit" | "exit_group"
            | "unshare" | "recvmsg" | "recvmmsg" | "io_uring_register" | "+++" => {
                self.look_at_all(judge);
            }
            _ => {}
        }
    }

    /// The log is over: all lives, and how many were left out.
    pub(super) fn finish(mut self, judge: &Judge) -> (Vec<RegistrationOf>, u64) {
        self.look_at_all(judge);
        (self.lives, self.left_out)
    }

    /// New registrations of a file.
    fn begin(&mut self, judge: &Judge, file: FileId) {
        for it in judge.worlds.base().registrations_of_file(file) {
            let open = self.open.entry(file).or_default();
            if open
                .iter()
                .any(|known| (known.id, known.epoll) == (it.id, it.epoll))
            {
                continue;
            }
            if self.lives.len() >= MOST {
                self.left_out += 1;
                continue;
            }
            open.push(Open {
                id: it.id,
                epoll: it.epoll,
                at: self.lives.len(),
            });
            let history = judge.registrations.get(it.id);
            let from = history.and_then(|history| history.steps.first());
            self.lives.push(RegistrationOf {
                instance: judge.instance(it.epoll),
                pid: users(judge, it.owner).first().copied().unwrap_or(0),
                registration: RegistrationLife {
                    fd: it.fd.0,
                    life: Span {
                        from: from.map(|step| step.site.line),
                        to: None,
                    },
                    ghost: None,
                },
            });
        }
    }

    /// What has become of a file's registrations.
    fn look(&mut self, judge: &Judge, file: FileId) {
        let Some(open) = self.open.get_mut(&file) else {
            return;
        };
        let base = judge.worlds.base();
        open.retain(|it| {
            let now = base.registration(it.id);
            let is_there = now.is_some_and(|now| (now.file, now.epoll) == (file, it.epoll));
            let life = &mut self.lives[it.at].registration;
            match is_there {
                true => life.note_ghost(judge.is_ghost(it.id), judge.line),
                false => life.end(judge.line),
            }
            is_there
        });
        if open.is_empty() {
            self.open.remove(&file);
        }
    }

    fn look_at_all(&mut self, judge: &Judge) {
        let mut files: Vec<FileId> = self.open.keys().copied().collect();
        files.sort_unstable();
        files.into_iter().for_each(|file| self.look(judge, file));
    }
}

fn name_of<'a>(kind: &EventKind<'a>) -> &'a str {
    match kind {
        EventKind::Call(call) | EventKind::Exit { call, .. } => call.name,
        EventKind::Entry(entry) if entry.name == "close" => entry.name,
        EventKind::Gone(_) => "+++",
        _ => "",
    }
}
