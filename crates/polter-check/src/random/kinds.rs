//! What kind of file each descriptor names, kept beside a model that runs a
//! program: what a writer of programs must know of them.

use eventpoll::syscall::PathKind;
use eventpoll::{Fd, FileId, Kernel, Out, Outcome, Syscall, Tid};
use std::collections::BTreeMap;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/dev/null`, which a program begins with.
    Null,
    PipeReader,
    PipeWriter,
    Eventfd,
    Timerfd,
    Signalfd,
    /// One end of the n-th pair.
    Socket(usize),
    Epoll,
    Pidfd,
    Ring,
    /// A file that is opened: a regular one, a directory.
    Opened,
    /// Opened with `O_PATH`.
    Path,
}

/// The kinds of all files, and what the socket pairs have been used for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kinds {
    kinds: BTreeMap<FileId, Kind>,
    roles: Vec<Option<Role>>,
    has_rings: bool,
}

/// What a socket pair has to do with sockets in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Sockets travel over it.
    Carrier,
    /// It travels.
    Cargo,
}

impl Kinds {
    /// What a descriptor of a task names.
    pub(crate) fn at(&self, kernel: &Kernel, tid: Tid, fd: Fd) -> Option<Kind> {
        Some(self.of(kernel.fd(tid, fd)?))
    }

    pub(crate) fn of(&self, file: FileId) -> Kind {
        // The one file that a call makes after it has waited: vfork's pidfd.
        self.kinds.get(&file).copied().unwrap_or(Kind::Pidfd)
    }

    /// True once the program has made a ring.
    pub(crate) fn has_rings(&self) -> bool {
        self.has_rings
    }

    /// Takes note of what a call has made.
    pub(crate) fn note(&mut self, kernel: &Kernel, tid: Tid, call: &Syscall, outcome: &Outcome) {
        if let Syscall::Sendmsg { fd, rights, .. } = call
            && !matches!(outcome, Outcome::Done(Err(_)) | Outcome::Gone)
        {
            self.note_cargo(kernel, tid, *fd, rights);
        }
        let Outcome::Done(Ok(done)) = outcome else {
            return;
        };
        if let Out::Pair([first, second]) = done.out {
            let kinds = match call {
                Syscall::Socketpair { .. } => {
                    self.roles.push(None);
                    [Kind::Socket(self.roles.len() - 1); 2]
                }
                _ => [Kind::PipeReader, Kind::PipeWriter],
            };
            self.insert(kernel, tid, first, kinds[0]);
            self.insert(kernel, tid, second, kinds[1]);
        }
        self.has_rings |= matches!(call, Syscall::IoUringSetup { .. });
        if let Some(kind) = made_by(call) {
            self.insert(kernel, tid, Fd(done.value as i32), kind);
        }
        if let Out::Pidfd(fd) = done.out {
            self.insert(kernel, tid, fd, Kind::Pidfd);
        }
    }

    /// Takes note of a file that was there from the beginning.
    pub(crate) fn insert(&mut self, kernel: &Kernel, tid: Tid, fd: Fd, kind: Kind) {
        if let Some(file) = kernel.fd(tid, fd) {
            self.kinds.insert(file, kind);
        }
    }

    /// Could sockets come to hold each other in their queues, if these were sent?
    pub(crate) fn could_circle(&self, kernel: &Kernel, tid: Tid, over: Fd, rights: &[Fd]) -> bool {
        let Some(Kind::Socket(carrier)) = self.at(kernel, tid, over) else {
            return false;
        };
        self.sockets_among(kernel, tid, rights).any(|cargo| {
            cargo == carrier
                || self.roles[cargo] == Some(Role::Carrier)
                || self.roles[carrier] == Some(Role::Cargo)
        })
    }

    fn note_cargo(&mut self, kernel: &Kernel, tid: Tid, over: Fd, rights: &[Fd]) {
        let cargo: Vec<usize> = self.sockets_among(kernel, tid, rights).collect();
        if let Some(Kind::Socket(carrier)) = self.at(kernel, tid, over)
            && !cargo.is_empty()
        {
            self.roles[carrier] = Some(Role::Carrier);
            for pair in cargo {
                self.roles[pair] = Some(Role::Cargo);
            }
        }
    }

    fn sockets_among(&self, kernel: &Kernel, tid: Tid, fds: &[Fd]) -> impl Iterator<Item = usize> {
        let kinds = fds.iter().filter_map(move |fd| self.at(kernel, tid, *fd));
        kinds.filter_map(|kind| match kind {
            Kind::Socket(pair) => Some(pair),
            _ => None,
        })
    }
}

/// The kind of file whose number is the call's value.
fn made_by(call: &Syscall) -> Option<Kind> {
    const O_PATH: u32 = eventpoll::syscall::flags::O_PATH;
    Some(match call {
        Syscall::EpollCreate { .. } | Syscall::EpollCreate1 { .. } => Kind::Epoll,
        Syscall::Eventfd2 { .. } => Kind::Eventfd,
        Syscall::TimerfdCreate { .. } => Kind::Timerfd,
        Syscall::Signalfd4 { .. } => Kind::Signalfd,
        Syscall::PidfdOpen { .. } => Kind::Pidfd,
        Syscall::IoUringSetup { .. } => Kind::Ring,
        Syscall::Open { flags, .. } if flags & O_PATH != 0 => Kind::Path,
        Syscall::Open {
            path: PathKind::Null | PathKind::Zero,
            ..
        } => Kind::Null,
        Syscall::Open {
            path: PathKind::Regular | PathKind::Directory,
            ..
        } => Kind::Opened,
        _ => return None,
    })
}
