//! Who keeps a ghost's file: other tables, messages, rings. The holder decides the kind of ghost.

use crate::judge::Judge;
use crate::state::WatchedSlot;
use crate::verdict::{Class, KeptBy};
use eventpoll::{Fd, FileId, Holder, TableId};

/// Only the holders of the first ghosts are searched for: the search looks at every table.
const EXPLAINED: u64 = 512;

impl Judge {
    /// Who keeps a file alive, with the table if it is a process or thread.
    pub(crate) fn holders(
        &self,
        slot: &WatchedSlot,
        closer: u32,
    ) -> Vec<(Option<TableId>, KeptBy)> {
        let base = self.worlds.base();
        if self.ghosts.born > EXPLAINED {
            return vec![(None, KeptBy::Unknown)];
        }
        let mut holders: Vec<_> = base
            .holders(slot.file)
            .into_iter()
            .map(|holder| match holder {
                Holder::Slot { table, fd } => {
                    let user = base.tasks().find(|(_, view)| view.table == table);
                    let pid = user.map_or(0, |(_, view)| self.tasks.shown(view.process));
                    let kept_by = match user {
                        // A thread of the same process, with a table of its own.
                        Some((_, view)) if pid == closer && table != slot.table => {
                            let tid = self.tasks.shown(view.pid);
                            KeptBy::Thread { tid, fd: fd.0 }
                        }
                        _ => KeptBy::Fd { pid, fd: fd.0 },
                    };
                    (Some(table), kept_by)
                }
                Holder::InFlight => (None, KeptBy::InFlight),
                Holder::Ring => (None, KeptBy::Ring),
                Holder::Call => (None, KeptBy::Unknown),
            })
            .collect();
        let is_held = |held: &Vec<Option<FileId>>| held.first() == Some(&Some(slot.file));
        let in_flight = self.in_flight.iter().flat_map(|message| &message.files);
        let in_flight = in_flight.filter(|held| is_held(held));
        holders.extend(in_flight.map(|_| (None, KeptBy::InFlight)));
        let in_rings = self.in_rings.iter().flat_map(|(_, files)| files);
        let in_rings = in_rings.filter(|held| is_held(held));
        holders.extend(in_rings.map(|_| (None, KeptBy::Ring)));
        holders.sort();
        holders.dedup();
        holders
    }

    /// The holders' tables that got the file when they were copied, not in a message.
    pub(super) fn tables_with_a_copy(&self, holders: &[(Option<TableId>, KeptBy)]) -> Vec<TableId> {
        let base = self.worlds.base();
        let is_copied = |table: TableId, fd: i32| {
            let user = base.tasks().find(|(_, view)| view.table == table);
            let descriptor = user.and_then(|(tid, _)| base.descriptor(tid, Fd(fd)));
            descriptor.is_none_or(|descriptor| descriptor.is_inherited)
        };
        let tables = holders.iter().filter_map(|(table, kept_by)| match kept_by {
            KeptBy::Fd { fd, .. } | KeptBy::Thread { fd, .. } => {
                table.filter(|table| is_copied(*table, *fd))
            }
            _ => None,
        });
        tables.collect()
    }

    /// The kind of ghost, by who keeps the file.
    pub(super) fn class_of(
        &self,
        slot: &WatchedSlot,
        process: u32,
        holders: &[(Option<TableId>, KeptBy)],
    ) -> Class {
        let tables = || holders.iter().filter_map(|(table, _)| *table);
        // The holders of later ghosts are not searched for. Most are ghosts of forks.
        let is_unknown = holders
            .iter()
            .any(|(_, kept_by)| *kept_by == KeptBy::Unknown);
        if tables().any(|table| table == slot.table) {
            return Class::DupGhost;
        }
        if tables().next().is_none() && !is_unknown {
            return Class::InFlightGhost;
        }
        let maker = self.labels.get(slot.file).map(|label| label.pid);
        if slot.is_inherited || maker.is_some_and(|maker| maker != process) {
            Class::HandedOverGhost
        } else {
            Class::ForkGhost
        }
    }
}
