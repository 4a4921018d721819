//! One walk, kept: tables, their numbers, and the registrations of each instance.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::dispute;
use super::load::{Programs, Refusal};
use super::record::{About, Address, Item, Met, Record, Slot};
use crate::snapshot::Effort;
use crate::source::Limits;

/// Walks at most: a machine that is busy enough differs from itself every time. Of the
/// last, both ways are believed, and who is accused is looked up anyway.
const MAX_WALKS: u64 = 2;

/// Everything the kernel told.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Each table's numbers, ascending; tables in the order they were met.
    pub(super) tables: Vec<Table>,
    table_of: FxHashMap<Address, usize>,
    /// Every instance's registrations, ascending by file and number.
    trees: BTreeMap<Address, Vec<Item>>,
    items: usize,
    /// What files know of, and of which instance.
    links: Vec<(Address, Item)>,
    abouts: FxHashMap<Address, About>,
    read: FxHashSet<Address>,
    torn: u64,
    numbers: usize,
    numbers_left_out: u64,
    items_left_out: u64,
    disputed: u64,
    walks: u64,
    /// Nobody's: this very process, whose numbers change with the looking.
    ignored: Option<u32>,
}

/// A descriptor table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) address: Address,
    /// Its tasks: the process and the thread by which it was met.
    pub(super) tasks: Vec<(u32, u32)>,
    pub(super) slots: Vec<Slot>,
}

impl Table {
    /// What a number names.
    pub(super) fn slot(&self, fd: i32) -> Option<&Slot> {
        self.place(fd).map(|at| &self.slots[at])
    }

    /// Where a number stands.
    pub(super) fn place(&self, fd: i32) -> Option<usize> {
        // Numbers are given without gaps, mostly.
        let guess = usize::try_from(fd).ok();
        let is_it = |at: &usize| self.slots.get(*at).is_some_and(|slot| slot.fd == fd);
        guess
            .filter(is_it)
            .or_else(|| self.slots.binary_search_by_key(&fd, |slot| slot.fd).ok())
    }
}

impl Walk {
    /// Walks until the two ways agree, or it is clear that they will not.
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
            let is_beyond = walk.items_left_out + walk.numbers_left_out > 1 << 24;
            // Counting on would take as long as whoever made them likes.
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

    /// Takes a process's tables for nobody's. What is in them still refers to its file.
    pub(super) fn look_away_from(&mut self, pid: u32) {
        for table in &mut self.tables {
            table.tasks.retain(|(other, _)| *other != pid);
        }
        self.ignored = Some(pid);
    }

    /// True unless it is to be looked away from.
    pub(super) fn is_looked_at(&self, pid: u32) -> bool {
        self.ignored != Some(pid)
    }

    /// The table of this address.
    pub(super) fn table(&self, address: Address) -> Option<&Table> {
        self.table_of.get(&address).map(|at| &self.tables[*at])
    }

    /// The registrations of an instance, ascending by file and number.
    pub(super) fn items_of(&self, instance: Address) -> &[Item] {
        self.trees.get(&instance).map_or(&[], Vec::as_slice)
    }

    /// Every instance that was met, and its registrations.
    pub(super) fn trees(&self) -> impl Iterator<Item = (Address, &[Item])> {
        self.trees.iter().map(|(at, items)| (*at, &items[..]))
    }

    /// What is known of a file.
    pub(super) fn about(&self, file: Address) -> Option<&About> {
        self.abouts.get(&file)
    }

    /// True if every number was kept: what refers to a file and is none, is none.
    pub(super) fn has_every_number(&self) -> bool {
        self.numbers_left_out == 0
    }

    /// Says what it took and what it could not keep.
    pub(super) fn account(&self, effort: &mut Effort) {
        effort.walks = self.walks;
        effort.disputed = self.disputed;
        effort.numbers_left_out = self.numbers_left_out;
        effort.registrations_left_out = self.items_left_out;
        effort.instances_left_out = self.unread();
    }

    fn add(&mut self, record: Record<'_>, limits: &Limits) {
        match record {
            Record::Met(met) if self.numbers < limits.numbers => self.add_slot(&met),
            Record::Met(_) => self.numbers_left_out += 1,
            Record::Items { instance, items } => {
                let told = items.len();
                let kept = told.min(limits.registrations.saturating_sub(self.items));
                let tree = self.trees.entry(instance).or_default();
                tree.extend(items.take(kept));
                self.items += kept;
                self.items_left_out += (told - kept) as u64;
            }
            Record::Described { file, about } if self.abouts.len() < limits.registrations => {
                self.abouts.insert(file, about);
            }
            // Its registration is left out, and counted.
            Record::Described { .. } => {}
            Record::Link { instance, item } if self.links.len() < limits.registrations => {
                self.links.push((instance, item));
            }
            Record::Link { .. } => self.items_left_out += 1,
            Record::End { instance, is_torn } => {
                self.read.insert(instance);
                self.torn += u64::from(is_torn);
            }
            Record::Answer(_) => {}
        }
    }

    fn add_slot(&mut self, met: &Met) {
        // The numbers of a table come one after the other.
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
        // Met again by another task that shares the table: once is enough.
        if table.tasks.len() == 1 && table.slots.last().is_none_or(|last| last.fd < slot.fd) {
            table.slots.push(slot);
            self.numbers += 1;
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

    /// Files that know of other registrations than were met in the trees, and torn trees.
    fn disputed(&self) -> u64 {
        if self.items_left_out + self.numbers_left_out > 0 {
            return 0;
        }
        dispute::disputed(self) as u64 + self.torn
    }

    fn unread(&self) -> u64 {
        let slots = self.tables.iter().flat_map(|table| &table.slots);
        let instances: FxHashSet<Address> = slots.filter_map(Slot::instance).collect();
        let is_unread = |instance: &&Address| !self.read.contains(instance);
        instances.iter().filter(is_unread).count() as u64
    }

    /// What only the files knew of, of instances that somebody holds.
    fn adopt_links(&mut self) {
        let links = std::mem::take(&mut self.links);
        for (instance, link) in links {
            if self.read.contains(&instance) {
                self.trees.entry(instance).or_default().push(link);
            }
        }
        self.put_in_order();
    }

    /// Each tree comes in order, but for what was read twice.
    fn put_in_order(&mut self) {
        let order = |item: &Item| (item.file, item.fd);
        for items in self.trees.values_mut() {
            if !items.is_sorted_by(|a, b| order(a) < order(b)) {
                items.sort_by_key(order);
                items.dedup_by_key(|item| order(item));
            }
        }
    }
}
