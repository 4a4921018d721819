//! Finds the fds that name one instance.

use super::compare::Slot;
use super::sorted::Sorted;
use super::view::View;
use crate::proc::fdinfo::{FdInfo, Row};
use crate::snapshot::Kind;

impl View<'_> {
    /// Every fd that names an instance.
    pub(super) fn names(&self) -> Vec<Slot> {
        let mut names = Vec::new();
        for process in self.processes.values() {
            let epolls = process.open.iter().filter(|open| open.kind == Kind::Epoll);
            names.extend(epolls.map(|open| (process.pid, open.fd)));
        }
        names
    }

    /// The names of each instance, and whether the kernel has said that they are one.
    pub(super) fn put_together(&self, names: Vec<Slot>) -> Vec<(Vec<Slot>, bool)> {
        let mut sorted = Sorted::new(self.comparer, names);
        let lost = std::mem::take(&mut sorted.lost);
        let certain = sorted.into_files().into_iter().map(|slots| (slots, true));
        let mut instances: Vec<(Vec<Slot>, bool)> = certain.collect();
        let likely = self.put_likely_together(lost);
        instances.extend(likely.into_iter().map(|slots| (slots, false)));
        instances
    }

    /// Where the kernel cannot be asked, two fds are taken for one instance if they are the same
    /// number with the same registrations, in a parent and its child or in two siblings.
    fn put_likely_together(&self, slots: Vec<Slot>) -> Vec<Vec<Slot>> {
        let mut groups: Vec<(Vec<Row>, Vec<Slot>)> = Vec::new();
        for (pid, fd) in slots {
            let Ok(FdInfo { rows, .. }) = self.proc.fdinfo(pid, fd) else {
                continue;
            };
            let is_alike = |group: &&mut (Vec<Row>, Vec<Slot>)| {
                group.1[0].1 == fd
                    && !rows.is_empty()
                    && group.0 == rows
                    && group.1.iter().any(|other| self.is_family(pid, other.0))
            };
            match groups.iter_mut().find(is_alike) {
                Some(group) => group.1.push((pid, fd)),
                None => groups.push((rows, vec![(pid, fd)])),
            }
        }
        groups.into_iter().map(|(_, slots)| slots).collect()
    }

    fn is_family(&self, a: u32, b: u32) -> bool {
        let parent = |pid| self.processes.get(&pid).map(|process| process.ppid);
        parent(a) == Some(b) || parent(b) == Some(a) || parent(a) == parent(b)
    }
}
