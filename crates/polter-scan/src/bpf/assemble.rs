//! From a walk to the processes and instances of a snapshot.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::record::{Address, Epitem, Slot};
use super::table::Table;
use super::walk::Walk;
use crate::parallel;
use crate::proc::Proc;
use crate::snapshot::{
    InTable, Instance, Meaning, Name, Occurrences, Process, Registration, Snapshot, Unseen, Why,
};

/// An instance, and the kernel addresses of its parts.
#[derive(Debug)]
pub(super) struct KernelInstance {
    pub(super) instance: Instance,
    pub(super) address: Address,
    /// The tables that hold it, in the order of each registration's.
    pub(super) tables: Vec<Address>,
    /// The fd of the instance in each of them.
    pub(super) epfds: Vec<i32>,
    /// The file of each registration.
    pub(super) files: Vec<Address>,
}

/// Adds every process of the machine, and every thread with a table of its own, to the snapshot.
pub(super) fn processes(proc: &Proc, walk: &Walk, snapshot: &mut Snapshot) {
    for pid in proc.pids().unwrap_or_default() {
        if walk.is_read(pid) {
            add_process(proc, pid, None, snapshot);
        }
    }
    for table in &walk.tables {
        for (pid, tid) in &table.tasks {
            for (task, parent) in [(pid, None), (tid, Some(*pid).filter(|pid| pid != tid))] {
                if !snapshot.processes.contains_key(task) && table.owners().any(|it| it == *task) {
                    add_process(proc, *task, parent, snapshot);
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

/// The instances that the asked processes hold.
///
/// A process that has ended since the walk holds nothing any more.
pub(super) fn instances(
    walk: &Walk,
    snapshot: &Snapshot,
    asked: &BTreeSet<u32>,
) -> Vec<KernelInstance> {
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
            for pid in table.owners().filter(|pid| !vanished.contains(pid)) {
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

fn instance_of(walk: &Walk, address: Address, mut names: Vec<(Name, Address)>) -> KernelInstance {
    names.sort_unstable();
    let mut tables: Vec<(u32, Address)> = Vec::new();
    let mut epfds = Vec::new();
    for (name, table) in &names {
        if !tables.iter().any(|(_, known)| known == table) {
            tables.push((name.pid, *table));
            epfds.push(name.fd);
        }
    }
    let epitems = walk.epitems_of(address);
    let mut occurrences = Occurrences::default();
    let found = |(pid, table): &(u32, Address)| (*pid, walk.table(*table));
    let known: Vec<(u32, Option<&Table>)> = tables.iter().map(found).collect();
    let registrations = epitems
        .iter()
        .map(|epitem| registration(walk, epitem, occurrences.next(epitem.fd), &known));
    KernelInstance {
        instance: Instance {
            registrations: registrations.collect(),
            names: names.iter().map(|(name, _)| *name).collect(),
            left_out: 0,
            is_certain: true,
        },
        address,
        tables: tables.iter().map(|(_, table)| *table).collect(),
        epfds,
        files: epitems.iter().map(|epitem| epitem.file).collect(),
    }
}

fn registration(
    walk: &Walk,
    epitem: &Epitem,
    occurrence: u32,
    tables: &[(u32, Option<&Table>)],
) -> Registration {
    let mut about = None;
    let mut in_tables = SmallVec::with_capacity(tables.len());
    for (pid, table) in tables {
        let slot = table.and_then(|table| table.slot(epitem.fd));
        let same = slot.filter(|slot| slot.file == epitem.file);
        about = same.map(Slot::about).or(about);
        let meaning = match slot {
            None => Meaning::Closed,
            Some(_) if same.is_some() => Meaning::Same,
            Some(_) => Meaning::Other,
        };
        in_tables.push(InTable { pid: *pid, meaning });
    }
    let about = about.or_else(|| walk.about(epitem.file).copied());
    Registration {
        fd: epitem.fd,
        occurrence,
        events: epitem.events,
        data: epitem.data,
        key: about.map(|about| about.key),
        kind: about.map(|about| about.kind),
        tables: in_tables,
        held_by: Vec::new(),
        nameless: None,
        evidence: None,
    }
}
