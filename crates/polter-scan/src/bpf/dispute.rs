//! Where a file's own list and the trees of the instances disagree.
//!
//! Each number was told with how many registrations its file knows of, and the sum of their
//! addresses. The most are plain: the number of a registration names its file, which knows of
//! no other. They are settled number by number, and only what is left is counted by file.

use rustc_hash::{FxHashMap, FxHashSet};

use super::record::{Address, Item, Links, Slot};
use super::walk::{Table, Walk};

/// The files that know of other registrations than were met in the trees.
pub(super) fn disputed(walk: &Walk) -> usize {
    let mut counted: FxHashMap<Address, Links> = FxHashMap::default();
    counted.extend(doubtful(walk).into_iter().map(|it| (it, Links::default())));
    if counted.is_empty() {
        return 0;
    }
    for item in walk.trees().flat_map(|(_, items)| items) {
        if let Some(links) = counted.get_mut(&item.file) {
            links.add(item.item);
        }
    }
    let mut disputed: FxHashSet<Address> = FxHashSet::default();
    for slot in walk.tables.iter().flat_map(|table| &table.slots) {
        if let (Some(met), Some(known)) = (counted.get(&slot.file), slot.links())
            && *met != known
        {
            disputed.insert(slot.file);
        }
    }
    disputed.len()
}

/// The files that are not settled by their numbers.
fn doubtful(walk: &Walk) -> FxHashSet<Address> {
    let mut settled: Vec<Vec<Links>> = Vec::with_capacity(walk.tables.len());
    let mut holders: FxHashMap<Address, usize> = FxHashMap::default();
    for (at, table) in walk.tables.iter().enumerate() {
        settled.push(vec![Links::default(); table.slots.len()]);
        for instance in table.slots.iter().filter_map(Slot::instance) {
            holders.entry(instance).or_insert(at);
        }
    }
    let mut doubtful = FxHashSet::default();
    for (instance, items) in walk.trees() {
        let holder = holders.get(&instance).copied();
        let mut before = None;
        for item in items {
            let place = holder.and_then(|at| place_of(&walk.tables[at], item));
            match holder.zip(place) {
                // A tree is in the order of the files.
                Some((at, place)) if before != Some(item.file) => {
                    settled[at][place].add(item.item);
                }
                _ => {
                    doubtful.insert(item.file);
                }
            }
            before = Some(item.file);
        }
    }
    for (table, settled) in walk.tables.iter().zip(&settled) {
        for (slot, met) in table.slots.iter().zip(settled) {
            if slot.links().is_some_and(|known| known != *met) {
                doubtful.insert(slot.file);
            }
        }
    }
    doubtful
}

/// Where in a table the number of a registration stands, if it names its file.
fn place_of(table: &Table, item: &Item) -> Option<usize> {
    let place = table.place(item.fd)?;
    (table.slots[place].file == item.file).then_some(place)
}
