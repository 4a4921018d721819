//! One kernel under one policy, and what became different in it.

use super::fd_shift::FdShift;
use crate::verdict::{Break, Broken, PolicyVerdict, Site};
use eventpoll::syscall::Fcntl;
use eventpoll::{Errno, Fd, Inherited, Kernel, Outcome, Syscall, Tid};

/// Most breaks kept of a policy; all are counted.
pub(super) const KEPT_BREAKS: usize = 8;

/// One kernel under one policy, and what became different in it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) kernel: Kernel,
    pub(crate) verdict: PolicyVerdict,
    /// The id of the registration that has each epitem slot: a slot is used again, an id is not.
    pub(crate) history_of: Vec<u64>,
    /// For each kept break, the id of the registration it is about, or 0.
    pub(crate) broken: Vec<u64>,
    pub(crate) fd_shift: FdShift,
}

/// How much a changed result matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The program acts on the result.
    Result,
    /// An error is the answer that the program asked for.
    Answer,
    /// Nobody looks at the result: the close of an fd that was not copied.
    Notice,
}

impl World {
    /// Performs a call, with the fds that the log gave.
    pub(super) fn perform(
        &mut self,
        tid: Tid,
        call: &Syscall,
        dictated: &[Fd],
    ) -> Result<i64, Errno> {
        if !dictated.is_empty() {
            self.kernel.dictate_fds(dictated);
        }
        match self.kernel.call(tid, call) {
            Outcome::Done(result) => result.map(|ret| ret.value),
            // No wait is performed in a world, so nothing blocks. A task that is gone has changed nothing.
            Outcome::Blocked | Outcome::Gone => Ok(0),
        }
    }

    /// Keeps up with the fds that this world would have given out; true if a close would hit another file.
    pub(super) fn follow_fds(
        &mut self,
        linux: &Kernel,
        tid: Tid,
        call: &Syscall,
        dictated: &[Fd],
    ) -> bool {
        if self.kernel.policy().inherited != Inherited::NotCopied {
            return false;
        }
        let from = match call {
            Syscall::Close { fd } => return self.fd_shift.closed(linux.process_pid(tid), *fd),
            Syscall::Execve => {
                self.fd_shift.forget(linux.process_pid(tid));
                return false;
            }
            Syscall::Fcntl {
                cmd: Fcntl::DupFd(from) | Fcntl::DupFdCloexec(from),
                ..
            } => Fd(*from),
            _ => Fd(0),
        };
        for new in dictated {
            self.fd_shift.opened(linux, &self.kernel, tid, from, *new);
        }
        false
    }

    /// A close would hit another file in this world.
    pub(super) fn note_wrong_close(&mut self, site_fn: &impl Fn() -> Site) {
        self.add_break(0, || Break {
            site: site_fn(),
            what: Broken::Result {
                was: "0".to_owned(),
                would_be: "0, and close another file, which has taken the number".to_owned(),
            },
            depends_on_order: false,
        });
    }

    /// A result differs from Linux's; true if that breaks something.
    pub(super) fn note_change(
        &mut self,
        was: Result<i64, Errno>,
        would_be: Result<i64, Errno>,
        weight: Weight,
        history: u64,
        site_fn: &impl Fn() -> Site,
    ) -> bool {
        match (was, would_be) {
            _ if weight == Weight::Notice => self.verdict.notices += 1,
            (Err(_), Ok(_)) if weight == Weight::Result => self.verdict.mended_calls += 1,
            (Err(_), Err(_)) if weight == Weight::Result => self.verdict.notices += 1,
            (Ok(_), Err(_)) | (Err(_), _) => {
                self.add_break(history, || Break {
                    site: site_fn(),
                    what: Broken::Result {
                        was: shown(was),
                        would_be: shown(would_be),
                    },
                    depends_on_order: false,
                });
                return true;
            }
            // Another value of a successful call: the program goes the same way.
            _ => self.verdict.notices += 1,
        }
        false
    }

    /// Counts a break, and keeps it if there is room.
    pub(super) fn add_break(&mut self, history: u64, break_fn: impl Fn() -> Break) {
        self.verdict.break_count += 1;
        if self.verdict.breaks.len() < KEPT_BREAKS {
            self.verdict.breaks.push(break_fn());
            self.broken.push(history);
        }
    }
}

/// The break of a DEL that would find nothing in another order of calls.
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

/// A result as strace prints it, without the error's description.
pub(crate) fn shown(result: Result<i64, Errno>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(errno) => format!("-1 {}", errno.name()),
    }
}
