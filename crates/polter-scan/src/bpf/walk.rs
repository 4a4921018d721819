//! One walk, kept: tables, their numbers, and the registrations of each instance.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::load::{Programs, Refusal};
use super::record::{About, Address, Item, Links, Record, Slot};
use crate::parallel;
use crate::snapshot::Effort;
use crate::source::Limits;

/// Walks at most: a machine that is busy enough differs from itself every time. Of the
/// last, both ways are believed, and who is accused is looked up anyway.
const MAX_WALKS: u64 = 2;

/// Parts that are counted at once, and what tells which of them a file is in.
const PARTS: u64 = 4;
const FILE_ALIGN: u64 = 64;

/// Everything the kernel told.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Each table's numbers, ascending; tables in the order they were met.
    pub(super) tables: Vec<Table>,
    table_of: FxHashMap<Address, usize>,
    /// Every instance's registrations, ascending by file and number.
    trees: BTreeMap<Address, Vec<Item>>,
    items: usize,
    links: Vec<Item>,
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
        // Numbers are given without gaps, mostly.
        let guess = usize::try_from(fd).ok().and_then(|at| self.slots.get(at));
        guess.filter(|slot| slot.fd == fd).or_else(|| {
            let at = self.slots.binary_search_by_key(&fd, |slot| slot.fd);
            Some(&self.slots[at.ok()?])
        })
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

    fn add(&mut self, record: Record, limits: &Limits) {
        match record {
            Record::Slot(slot) if self.numbers < limits.numbers => self.add_slot(slot),
            Record::Slot(_) => self.numbers_left_out += 1,
            Record::Item(item) if self.items < limits.registrations => {
                if let Some(about) = item.about {
                    self.abouts.insert(item.file, about);
                }
                self.items += 1;
                self.trees.entry(item.instance).or_default().push(item);
            }
            Record::Link(item) if self.links.len() < limits.registrations => {
                self.links.push(item);
            }
            Record::Item(_) | Record::Link(_) => self.items_left_out += 1,
            Record::End { instance, is_torn } => {
                self.read.insert(instance);
                self.torn += u64::from(is_torn);
            }
            Record::Answer(_) => {}
        }
    }

    fn add_slot(&mut self, slot: Slot) {
        let at = *self.table_of.entry(slot.table).or_insert_with(|| {
            self.tables.push(Table {
                address: slot.table,
                tasks: Vec::new(),
                slots: Vec::new(),
            });
            self.tables.len() - 1
        });
        let table = &mut self.tables[at];
        let task = (slot.pid, slot.tid);
        if table.tasks.last() != Some(&task) {
            table.tasks.push(task);
        }
        // Met again by another task that shares the table: once is enough.
        if table.tasks.len() == 1 && table.slots.last().is_none_or(|last| last.fd < slot.fd) {
            table.slots.push(slot);
            self.numbers += 1;
        }
    }

    /// Files that know of other registrations than were met in the trees.
    fn disputed(&self) -> u64 {
        if self.items_left_out + self.numbers_left_out > 0 {
            return 0;
        }
        // A file is in one of the parts, with all that is known of it.
        let parts = (0..PARTS).collect();
        let disputed = parallel::map(parts, |part| self.disputed_of(part));
        disputed.into_iter().sum::<u64>() + self.torn
    }

    fn disputed_of(&self, part: u64) -> u64 {
        // Files lie in memory at multiples of a power of two.
        let is_here = |file: Address| file.0 / FILE_ALIGN % PARTS == part;
        let mut met: FxHashMap<Address, Links> = FxHashMap::default();
        met.reserve(self.items / PARTS as usize);
        for item in self.trees.values().flatten() {
            if is_here(item.file) {
                met.entry(item.file).or_default().add(item.item);
            }
        }
        let mut disputed = FxHashSet::default();
        for slot in self.tables.iter().flat_map(|table| &table.slots) {
            if is_here(slot.file) {
                let of_file = met.get(&slot.file).copied().unwrap_or_default();
                if slot.links.is_some_and(|links| links != of_file) {
                    disputed.insert(slot.file);
                }
            }
        }
        disputed.len() as u64
    }

    fn unread(&self) -> u64 {
        let slots = self.tables.iter().flat_map(|table| &table.slots);
        let instances: FxHashSet<Address> = slots.filter_map(|slot| slot.instance).collect();
        let is_unread = |instance: &&Address| !self.read.contains(instance);
        instances.iter().filter(is_unread).count() as u64
    }

    /// What only the files knew of, of instances that somebody holds.
    fn adopt_links(&mut self) {
        let links = std::mem::take(&mut self.links);
        for link in links {
            if self.read.contains(&link.instance) {
                self.trees.entry(link.instance).or_default().push(link);
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
