//! The instances: their names, their registrations, and each fd's meaning in each table.

use std::collections::BTreeSet;

use super::compare::{Slot, Target};
use super::quiescence::Quiescence;
use super::recheck::Recheck;
use super::rows::{key, numbered, registration};
use super::view::{ASKED_ABOUT_INODES, View};
use crate::parallel;
use crate::request::{Budget, Limits};
use crate::snapshot::{InTable, Instance, Name};

/// An instance with more holders than this is read twice: hardly ever do all of them sleep.
const MANY: usize = 64;

impl View<'_> {
    /// Every instance that one of these processes holds, and how many registrations were left out.
    pub(super) fn instances(&self, asked: &BTreeSet<u32>, limits: &Limits) -> (Vec<Instance>, u64) {
        let mut named = self.put_together(self.names());
        named.retain(|(slots, _)| slots.iter().any(|(pid, _)| asked.contains(pid)));
        let budget = Budget::new(limits.registrations);
        let read = parallel::map(named, |(slots, is_certain)| {
            self.instance(&slots, is_certain, &budget)
        });
        let mut instances: Vec<Instance> = read.into_iter().flatten().collect();
        instances.sort_by_key(|instance| instance.names[0]);
        (instances, budget.left_out())
    }

    /// One instance with all its registrations; `None` if nobody holds it any more.
    pub(super) fn instance(
        &self,
        slots: &[Slot],
        is_certain: bool,
        budget: &Budget,
    ) -> Option<Instance> {
        let mut names = Vec::new();
        let mut first = None;
        // Taken before the text is read: that nobody runs until the last read is what counts.
        let quiescence = self.quiescence(slots);
        for &(pid, fd) in slots {
            let Ok(mut text) = self.proc.info(pid, fd) else {
                continue;
            };
            // All names of an instance have the same rows; only the flags differ.
            let is_first = first.is_none();
            let Ok(info) = text.read(|_| is_first) else {
                continue;
            };
            names.push(Name {
                pid,
                fd,
                is_cloexec: info.is_cloexec(),
            });
            first.get_or_insert(((pid, fd), text, info));
        }
        names.sort_unstable();
        let (name, text, mut info) = first?;
        budget.fit(&mut info.rows);
        let tables = self.tables(&names);
        let mut registrations = Vec::with_capacity(info.rows.len());
        for (place, (row, occurrence)) in numbered(info.rows.iter()).enumerate() {
            let mut registration = registration(row, occurrence);
            let target = Target::of(name, &registration, place);
            let among = info.rows.len();
            for pid in &tables {
                let open = self.listed(*pid, row.tfd);
                let meaning = self.meaning(key(row), &target, among, *pid, open);
                registration.kind = registration.kind.or(open.map(|open| open.kind));
                registration.tables.push(InTable { pid: *pid, meaning });
            }
            // Where the fd does not fit, the kind is of whatever it names now. `find_holders` tells
            // the kind once the recheck has settled which file it is.
            registration.kind = registration.kind.filter(|_| registration.is_plain());
            registrations.push(registration);
        }
        let mut instance = Instance {
            names,
            registrations,
            left_out: info.left_out,
            is_certain,
        };
        // An instance has the one inode that all anonymous files share.
        let shared = self.listed(name.0, name.1).and_then(|open| open.key);
        let mut recheck = Recheck::new(self, name, text, &instance, &info);
        if !recheck.is_settled(&mut instance, quiescence) {
            recheck.run(&mut instance, shared);
        }
        Some(instance)
    }

    /// The holders of an instance, if all of them sleep and the text may be long. Only then is
    /// finding out that nobody has run faster than reading the text a second time.
    fn quiescence(&self, slots: &[Slot]) -> Option<Quiescence> {
        let mut pids: Vec<u32> = slots.iter().map(|(pid, _)| *pid).collect();
        pids.dedup();
        let is_large = |pid: &u32| {
            let process = self.processes.get(pid);
            process.is_some_and(|it| it.open.len() > ASKED_ABOUT_INODES)
        };
        let is_worth_it = self.proc.is_live() && pids.len() <= MANY && pids.iter().any(is_large);
        is_worth_it
            .then(|| Quiescence::of(self.proc, pids))
            .flatten()
    }
}
