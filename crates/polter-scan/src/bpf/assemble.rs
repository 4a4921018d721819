//! From a walk to what a snapshot holds: processes with their numbers, and instances.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::record::{Address, Item, Slot};
use super::walk::{Table, Walk};
use crate::nth::Nth;
use crate::parallel;
use crate::proc::Proc;
use crate::snapshot::{
    InTable, Instance, Meaning, Name, Process, Registration, Snapshot, Unseen, Why,
};

/// An instance, and what its parts are in the kernel.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) instance: Instance,
    pub(super) address: Address,
    /// The tables that hold it, in the order of each registration's.
    pub(super) tables: Vec<Address>,
    /// What each of them calls it.
    pub(super) epfds: Vec<i32>,
    /// The file of each registration.
    pub(super) files: Vec<Address>,
}

/// Whose table it is: its processes, or the thread that has one of its own.
pub(super) fn owners(table: &Table) -> impl Iterator<Item = u32> {
    let has_leader = table.tasks.iter().any(|(pid, tid)| pid == tid);
    let chosen = table
        .tasks
        .iter()
        .filter(move |(pid, tid)| !has_leader || pid == tid);
    chosen.map(|(_, tid)| *tid)
}

/// Every process there is.
pub(super) fn processes(proc: &Proc, walk: &Walk, snapshot: &mut Snapshot) {
    for pid in proc.pids().unwrap_or_default() {
        if walk.is_looked_at(pid) {
            add_process(proc, pid, None, snapshot);
        }
    }
    for table in &walk.tables {
        for (pid, tid) in &table.tasks {
            for (number, parent) in [(pid, None), (tid, Some(*pid).filter(|pid| pid != tid))] {
                if !snapshot.processes.contains_key(number) && owners(table).any(|it| it == *number)
                {
                    add_process(proc, *number, parent, snapshot);
                }
            }
        }
    }
}

fn add_process(proc: &Proc, pid: u32, parent: Option<u32>, snapshot: &mut Snapshot) {
    match proc.head(pid) {
        Ok(head) => {
            let process = Process {
                ppid: parent.unwrap_or(head.ppid),
                thread_of: parent,
                ..head
            };
            snapshot.processes.insert(pid, process);
        }
        Err(why) => {
            let unseen = Unseen { pid, why };
            if !snapshot.unseen.contains(&unseen) {
                snapshot.unseen.push(unseen);
            }
            debug_assert!(matches!(why, Why::Vanished | Why::Refused));
        }
    }
}

/// The instances that these processes hold.
///
/// Who has ended since the walk holds nothing any more.
pub(super) fn instances(walk: &Walk, snapshot: &Snapshot, asked: &BTreeSet<u32>) -> Vec<Found> {
    let unseen = snapshot.unseen.iter();
    let vanished = unseen.filter(|unseen| unseen.why == Why::Vanished);
    let vanished: BTreeSet<u32> = vanished.map(|unseen| unseen.pid).collect();
    let mut names: FxHashMap<Address, Vec<(Name, Address)>> = FxHashMap::default();
    let mut wanted: FxHashSet<Address> = FxHashSet::default();
    for table in &walk.tables {
        let is_asked = table.tasks.iter().any(|(pid, _)| asked.contains(pid));
        for slot in table.slots.iter() {
            let Some(instance) = slot.instance() else {
                continue;
            };
            if is_asked {
                wanted.insert(instance);
            }
            for pid in owners(table).filter(|pid| !vanished.contains(pid)) {
                let name = Name {
                    pid,
                    fd: slot.fd,
                    is_cloexec: slot.is_cloexec,
                };
                names
                    .entry(instance)
                    .or_default()
                    .push((name, table.address));
            }
        }
    }
    let wanted = wanted.into_iter();
    let named = wanted.filter_map(|instance| Some((instance, names.remove(&instance)?)));
    let mut found = parallel::map(named.collect(), |(instance, names)| {
        instance_of(walk, instance, names)
    });
    found.sort_by_key(|it| it.instance.names[0]);
    found
}

fn instance_of(walk: &Walk, address: Address, mut names: Vec<(Name, Address)>) -> Found {
    names.sort_unstable();
    let mut tables: Vec<(u32, Address)> = Vec::new();
    let mut epfds = Vec::new();
    for (name, table) in &names {
        if !tables.iter().any(|(_, known)| known == table) {
            tables.push((name.pid, *table));
            epfds.push(name.fd);
        }
    }
    let items = walk.items_of(address);
    let mut nth = Nth::default();
    let found = |(pid, table): &(u32, Address)| (*pid, walk.table(*table));
    let known: Vec<(u32, Option<&Table>)> = tables.iter().map(found).collect();
    let registrations = items
        .iter()
        .map(|item| registration(walk, item, nth.of(item.fd), &known));
    Found {
        instance: Instance {
            registrations: registrations.collect(),
            names: names.iter().map(|(name, _)| *name).collect(),
            left_out: 0,
            is_certain: true,
        },
        address,
        tables: tables.iter().map(|(_, table)| *table).collect(),
        epfds,
        files: items.iter().map(|item| item.file).collect(),
    }
}

fn registration(
    walk: &Walk,
    item: &Item,
    nth: u32,
    tables: &[(u32, Option<&Table>)],
) -> Registration {
    let mut about = None;
    let mut in_tables = SmallVec::with_capacity(tables.len());
    for (pid, table) in tables {
        let slot = table.and_then(|table| table.slot(item.fd));
        let same = slot.filter(|slot| slot.file == item.file);
        about = same.map(Slot::about).or(about);
        let meaning = match slot {
            None => Meaning::Closed,
            Some(_) if same.is_some() => Meaning::Same,
            Some(_) => Meaning::Other,
        };
        in_tables.push(InTable { pid: *pid, meaning });
    }
    let about = about.or_else(|| walk.about(item.file).copied());
    Registration {
        fd: item.fd,
        nth,
        events: item.events,
        data: item.data,
        key: about.map(|about| about.key),
        kind: about.map(|about| about.kind),
        tables: in_tables,
        held_by: Vec::new(),
        nameless: None,
        evidence: None,
    }
}
