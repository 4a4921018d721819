//! One walk: the tables, their open fds, and the registrations of each instance.

use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::dispute::{Trees, disputed};
use super::load::Programs;
use super::record::{About, Address, Epitem, Met, Record, Slot};
use super::table::Table;
use polter_bpf::Refusal;

use crate::request::Limits;
use crate::snapshot::Effort;

/// Walks at most. A machine that is busy enough contradicts itself in every walk. Of the last walk,
/// both trees and lists are believed; whatever does not fit is asked about again anyway.
const MAX_WALKS: u64 = 2;

/// Everything that the programs reported.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The tables, in the order they were met.
    pub(super) tables: Vec<Table>,
    table_of: FxHashMap<Address, usize>,
    /// Every instance's epitems, ascending by file and fd.
    trees: Trees,
    epitems: usize,
    /// The epitems of the files' own lists, each with its instance.
    links: Vec<(Address, Epitem)>,
    abouts: FxHashMap<Address, About>,
    read: FxHashSet<Address>,
    torn: u64,
    fds: usize,
    fds_left_out: u64,
    epitems_left_out: u64,
    disputed: u64,
    walks: u64,
    /// This process, if it is not asked for: the walk itself opens and closes its fds.
    ignored: Option<u32>,
}

impl Walk {
    /// Walks until trees and lists agree, or [`MAX_WALKS`] times.
    pub(super) fn take(programs: &mut Programs, limits: &Limits) -> Result<Walk, Refusal> {
        let mut walk = Walk::once(programs, limits, false)?;
        let mut walks = 1;
        while walk.disputed > 0 && walks < MAX_WALKS {
            walk = Walk::once(programs, limits, true)?;
            walks += 1;
        }
        walk.walks = walks;
        walk.adopt_links();
        Ok(walk)
    }

    fn once(programs: &mut Programs, limits: &Limits, with_links: bool) -> Result<Walk, Refusal> {
        let mut walk = Walk::default();
        programs.walk(with_links, |record| {
            walk.add(record, limits);
            let is_beyond = walk.epitems_left_out + walk.fds_left_out > 1 << 24;
            // Whoever made them can make more: counting on would take as long as they like.
            if is_beyond {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        walk.put_in_order();
        walk.disputed = walk.disputed();
        Ok(walk)
    }

    /// Leaves a process out. Its tables stay without an owner, for their slots still count as
    /// references to the files.
    pub(super) fn ignore(&mut self, pid: u32) {
        for table in &mut self.tables {
            table.tasks.retain(|(other, _)| *other != pid);
        }
        self.ignored = Some(pid);
    }

    /// False for the process that is left out.
    pub(super) fn is_read(&self, pid: u32) -> bool {
        self.ignored != Some(pid)
    }

    /// The table of this address.
    pub(super) fn table(&self, address: Address) -> Option<&Table> {
        self.table_of.get(&address).map(|at| &self.tables[*at])
    }

    /// The epitems of an instance, ascending by file and fd.
    pub(super) fn epitems_of(&self, instance: Address) -> &[Epitem] {
        self.trees.get(&instance).map_or(&[], Vec::as_slice)
    }

    /// The inode and kind of a file, if the walk has described it.
    pub(super) fn about(&self, file: Address) -> Option<&About> {
        self.abouts.get(&file)
    }

    /// True if every fd was kept. Only then are a file's references beyond its fds known to be
    /// none.
    pub(super) fn has_every_fd(&self) -> bool {
        self.fds_left_out == 0
    }

    /// Notes what it took, and what was not kept.
    pub(super) fn account(&self, effort: &mut Effort) {
        effort.walks = self.walks;
        effort.disputed = self.disputed;
        effort.fds_left_out = self.fds_left_out;
        effort.registrations_left_out = self.epitems_left_out;
        effort.instances_left_out = self.unread();
    }

    fn add(&mut self, record: Record<'_>, limits: &Limits) {
        match record {
            Record::Met(met) if self.fds < limits.fds => self.add_slot(&met),
            Record::Met(_) => self.fds_left_out += 1,
            Record::Epitems { instance, epitems } => {
                let told = epitems.len();
                let kept = told.min(limits.registrations.saturating_sub(self.epitems));
                let tree = self.trees.entry(instance).or_default();
                tree.extend(epitems.take(kept));
                self.epitems += kept;
                self.epitems_left_out += (told - kept) as u64;
            }
            Record::Described { file, about } if self.abouts.len() < limits.registrations => {
                self.abouts.insert(file, about);
            }
            // Not counted: its registration is left out too, and counted there.
            Record::Described { .. } => {}
            Record::Link { instance, epitem } if self.links.len() < limits.registrations => {
                self.links.push((instance, epitem));
            }
            Record::Link { .. } => self.epitems_left_out += 1,
            Record::End { instance, is_torn } => {
                self.read.insert(instance);
                self.torn += u64::from(is_torn);
            }
            Record::Answer(_) => {}
        }
    }

    fn add_slot(&mut self, met: &Met) {
        // The fds of a table come one after the other, so the map is asked once for each table.
        let last = self.tables.last().filter(|it| it.address == met.table);
        let at = match last {
            Some(_) => self.tables.len() - 1,
            None => self.place_of(met.table),
        };
        let table = &mut self.tables[at];
        let (task, slot) = ((met.pid, met.tid), met.slot);
        if table.tasks.last() != Some(&task) {
            table.tasks.push(task);
        }
        // Another task that shares the table meets the same fds again: those are left out.
        if table.tasks.len() == 1 && table.slots.last().is_none_or(|last| last.fd < slot.fd) {
            table.slots.push(slot);
            self.fds += 1;
        }
    }

    fn place_of(&mut self, address: Address) -> usize {
        *self.table_of.entry(address).or_insert_with(|| {
            self.tables.push(Table {
                address,
                tasks: Vec::new(),
                slots: Vec::new(),
            });
            self.tables.len() - 1
        })
    }

    /// How many files and trees contradict each other. If something was left out the two cannot be
    /// compared, and none counts.
    fn disputed(&self) -> u64 {
        if self.epitems_left_out + self.fds_left_out > 0 {
            return 0;
        }
        disputed(&self.tables, &self.trees) as u64 + self.torn
    }

    /// How many instances somebody holds whose tree was not read.
    fn unread(&self) -> u64 {
        let slots = self.tables.iter().flat_map(|table| &table.slots);
        let instances: FxHashSet<Address> = slots.filter_map(Slot::instance).collect();
        let is_unread = |instance: &&Address| !self.read.contains(instance);
        instances.iter().filter(is_unread).count() as u64
    }

    /// Adds the epitems that only the files' own lists had, to instances that were read.
    fn adopt_links(&mut self) {
        let links = std::mem::take(&mut self.links);
        for (instance, link) in links {
            if self.read.contains(&instance) {
                self.trees.entry(instance).or_default().push(link);
            }
        }
        self.put_in_order();
    }

    /// Sorts the trees. Each comes in order, but for parts that were read twice.
    fn put_in_order(&mut self) {
        let order = |epitem: &Epitem| (epitem.file, epitem.fd);
        for epitems in self.trees.values_mut() {
            if !epitems.is_sorted_by(|a, b| order(a) < order(b)) {
                epitems.sort_by_key(order);
                epitems.dedup_by_key(|epitem| order(epitem));
            }
        }
    }
}
