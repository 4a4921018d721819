//! Finds files whose own list of epitems and the instances' trees disagree.
//!
//! The walk reads each registration twice: in the tree of its instance, and in the list of its
//! file, of which it reports the count and the sum of addresses. If the two differ, something
//! changed during the walk.
//!
//! Most registrations are plain: the fd names the file, and the file has no other registration.
//! Those are settled fd by fd, by place in the table. Only what is left is counted in a map by
//! file.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::record::{Address, Epitem, Links, Slot};
use super::table::Table;

/// The instances' trees: each instance, and its epitems in the order of the tree.
pub(super) type Trees = BTreeMap<Address, Vec<Epitem>>;

/// How many files have other epitems in their own list than were met in the trees.
pub(super) fn disputed(tables: &[Table], trees: &Trees) -> usize {
    let mut counted: FxHashMap<Address, Links> = FxHashMap::default();
    let doubtful = doubtful(tables, trees).into_iter();
    counted.extend(doubtful.map(|it| (it, Links::default())));
    if counted.is_empty() {
        return 0;
    }
    for epitem in trees.values().flatten() {
        if let Some(links) = counted.get_mut(&epitem.file) {
            links.add(epitem.address);
        }
    }
    let mut disputed: FxHashSet<Address> = FxHashSet::default();
    for slot in tables.iter().flat_map(|table| &table.slots) {
        if let (Some(met), Some(known)) = (counted.get(&slot.file), slot.links())
            && *met != known
        {
            disputed.insert(slot.file);
        }
    }
    disputed.len()
}

/// The files that are not settled fd by fd.
fn doubtful(tables: &[Table], trees: &Trees) -> FxHashSet<Address> {
    let mut settled: Vec<Vec<Links>> = Vec::with_capacity(tables.len());
    let mut holders: FxHashMap<Address, usize> = FxHashMap::default();
    for (at, table) in tables.iter().enumerate() {
        settled.push(vec![Links::default(); table.slots.len()]);
        for instance in table.slots.iter().filter_map(Slot::instance) {
            holders.entry(instance).or_insert(at);
        }
    }
    let mut doubtful = FxHashSet::default();
    for (instance, epitems) in trees {
        let holder = holders.get(instance).copied();
        let mut before = None;
        for epitem in epitems {
            let place = holder.and_then(|at| place_of(&tables[at], epitem));
            match holder.zip(place) {
                // A tree is in the order of the files, so a second epitem of one file follows the
                // first.
                Some((at, place)) if before != Some(epitem.file) => {
                    settled[at][place].add(epitem.address);
                }
                _ => {
                    doubtful.insert(epitem.file);
                }
            }
            before = Some(epitem.file);
        }
    }
    for (table, settled) in tables.iter().zip(&settled) {
        for (slot, met) in table.slots.iter().zip(settled) {
            if slot.links().is_some_and(|known| known != *met) {
                doubtful.insert(slot.file);
            }
        }
    }
    doubtful
}

/// Where in a table the fd of a registration stands, if it names the registration's file.
fn place_of(table: &Table, epitem: &Epitem) -> Option<usize> {
    let place = table.place(epitem.fd)?;
    (table.slots[place].file == epitem.file).then_some(place)
}
