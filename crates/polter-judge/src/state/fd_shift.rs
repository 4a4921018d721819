//! Fds that an instance left free in a world that does not copy instances.
//!
//! Where a forked table leaves instances out, the next new file takes the lowest fd they left free. The log gives that
//! file another fd, and the worlds follow the log. This file keeps which fd it would have had: a program that closes an
//! instance it does not have would hit that file.

use eventpoll::{Fd, Kernel, Pid, Tid};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The numbers left free, by process.
#[derive(Debug, Default)]
pub(crate) struct Shifted {
    processes: FxHashMap<Pid, Numbers>,
}

/// Those of one process.
#[derive(Debug, Default)]
struct Numbers {
    /// Free in this world, an instance in Linux's.
    free: BTreeSet<Fd>,
    /// Taken in this world by the file that has the second number in the log.
    taken: BTreeMap<Fd, Fd>,
}

impl Shifted {
    /// A new file got `new` in the log, the lowest number from `from` on that was free there.
    pub(crate) fn opened(&mut self, linux: &Kernel, here: &Kernel, tid: Tid, from: Fd, new: Fd) {
        let numbers = self
            .processes
            .entry(linux.process_pid(tid))
            .or_insert_with(|| Numbers {
                free: left_out(linux, here, tid),
                taken: BTreeMap::new(),
            });
        numbers.free.remove(&new);
        if let Some(lowest) = numbers.free.range(from..new).next().copied() {
            numbers.free.remove(&lowest);
            numbers.taken.insert(lowest, new);
        }
    }

    /// A number is closed; true if here another file would go than in the log.
    pub(crate) fn closed(&mut self, pid: Pid, fd: Fd) -> bool {
        let Some(numbers) = self.processes.get_mut(&pid) else {
            return false;
        };
        let taken = &mut numbers.taken;
        let lowest = taken.iter().find(|(_, new)| **new == fd).map(|(at, _)| *at);
        if let Some(lowest) = lowest {
            taken.remove(&lowest);
            numbers.free.insert(lowest);
            return false;
        }
        numbers.free.remove(&fd);
        taken.remove(&fd).is_some()
    }

    /// A process has ended, or is a new program that knows nothing of the old one's numbers.
    pub(crate) fn forget(&mut self, pid: Pid) {
        self.processes.remove(&pid);
    }
}

fn left_out(linux: &Kernel, here: &Kernel, tid: Tid) -> BTreeSet<Fd> {
    let numbers = linux.fds(tid).map(|(fd, ..)| fd);
    numbers.filter(|fd| here.fd(tid, *fd).is_none()).collect()
}
