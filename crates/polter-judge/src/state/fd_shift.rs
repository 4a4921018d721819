//! Fds that an instance left free in a world that does not copy instances.
//!
//! Where a forked table leaves instances out, the next new file takes the lowest fd they left free. The log gives that
//! file another fd, and the worlds follow the log. This file keeps which fd it would have had: a program that closes an
//! instance it does not have would hit that file.

use eventpoll::{Fd, Kernel, Pid, Tid};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The fds left free, by process.
#[derive(Debug, Default)]
pub(crate) struct FdShift {
    processes: FxHashMap<Pid, ProcessFds>,
}

/// The fds left free in one process.
#[derive(Debug, Default)]
struct ProcessFds {
    /// Fds that are free in this world and name an instance in Linux's.
    free: BTreeSet<Fd>,
    /// Fds that this world would have given to the file that has the second fd in the log.
    taken: BTreeMap<Fd, Fd>,
}

impl FdShift {
    /// A new file got `new` in the log: the lowest fd from `from` on that was free there.
    pub(crate) fn opened(&mut self, linux: &Kernel, here: &Kernel, tid: Tid, from: Fd, new: Fd) {
        let fds = self
            .processes
            .entry(linux.process_pid(tid))
            .or_insert_with(|| ProcessFds {
                free: left_out(linux, here, tid),
                taken: BTreeMap::new(),
            });
        fds.free.remove(&new);
        if let Some(lowest) = fds.free.range(from..new).next().copied() {
            fds.free.remove(&lowest);
            fds.taken.insert(lowest, new);
        }
    }

    /// An fd is closed; true if this world would close another file than the log does.
    pub(crate) fn closed(&mut self, pid: Pid, fd: Fd) -> bool {
        let Some(fds) = self.processes.get_mut(&pid) else {
            return false;
        };
        let taken = &mut fds.taken;
        let lowest = taken.iter().find(|(_, new)| **new == fd).map(|(at, _)| *at);
        if let Some(lowest) = lowest {
            taken.remove(&lowest);
            fds.free.insert(lowest);
            return false;
        }
        fds.free.remove(&fd);
        taken.remove(&fd).is_some()
    }

    /// A process has ended, or has exec'ed: the new program does not know the old one's fds.
    pub(crate) fn forget(&mut self, pid: Pid) {
        self.processes.remove(&pid);
    }
}

/// The fds that name something in Linux's world and nothing here: the instances that were not copied.
fn left_out(linux: &Kernel, here: &Kernel, tid: Tid) -> BTreeSet<Fd> {
    let fds = linux.fds(tid).map(|(fd, ..)| fd);
    fds.filter(|fd| here.fd(tid, *fd).is_none()).collect()
}
