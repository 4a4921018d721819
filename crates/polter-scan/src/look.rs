//! From `/proc` to a [`Snapshot`]: look, compare, look again.
//!
//! ```text
//!   processes ─▶ their open numbers ─▶ instances (kcmp) ─▶ registrations (fdinfo)
//!                                                              │
//!        what is left after a second look  ◀── each number, in each holder's table
//! ```
//!
//! The processes run on meanwhile. A number that does not name its file may
//! have been removed and closed between two looks; only what two further looks at the
//! instance and the number agree on is kept.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Comparer, Slot, Sorted, Target};
use crate::error::ScanError;
use crate::fdinfo::{FdInfo, Row};
use crate::holders::Holders;
use crate::proc::Proc;
use crate::snapshot::{
    FileKey, Held, InTable, Instance, Kind, Meaning, Name, OpenFd, Process, Registration, Snapshot,
    Unseen, Why,
};

/// Looks at what does not fit, after the first.
const SECOND_LOOKS: usize = 2;

/// More of them at files that share an inode: an eventfd that is removed, closed
/// and made again under its number looks as if it had never gone.
const DOUBTFUL_LOOKS: usize = 6;

/// Above so many registrations, equal inodes are believed for pipes and paths:
/// asking the kernel costs the more the more there are.
const ASKED_ABOUT_INODES: usize = 1000;

/// Whose instances are looked at. The holders of files are looked for in every process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Those of these processes; the caller's own, too, if it is among them.
    Pids(Vec<u32>),
    /// Those of these processes and of all that descend from them.
    Families(Vec<u32>),
    /// Those of the processes with this name (`/proc/PID/comm`).
    Name(String),
}

impl Scope {
    /// True if it names this very process.
    fn names(&self, pid: u32) -> bool {
        match self {
            Scope::Pids(pids) | Scope::Families(pids) => pids.contains(&pid),
            Scope::All | Scope::Name(_) => false,
        }
    }
}

impl Snapshot {
    /// Looks at the processes of a tree.
    pub fn take(proc: &Proc, scope: &Scope) -> Result<Snapshot, ScanError> {
        let comparer = Comparer::new(proc.is_live());
        let mut snapshot = processes(proc, scope)?;
        let asked = asked_for(scope, &snapshot)?;
        let look = Look {
            proc,
            comparer: &comparer,
            processes: &snapshot.processes,
        };
        let instances = look.instances(&asked);
        snapshot.instances = instances;
        snapshot.effort = comparer.effort();
        Ok(snapshot)
    }
}

/// Every process but this one, unless it is asked for: its numbers change with the looking.
fn processes(proc: &Proc, scope: &Scope) -> Result<Snapshot, ScanError> {
    let own = std::process::id();
    let is_asked_for = scope.names(own);
    let mut snapshot = Snapshot::default();
    let pids = proc.pids().map_err(|source| ScanError::Root {
        path: proc.root().to_owned(),
        source,
    })?;
    for pid in pids {
        if proc.is_live() && pid == own && !is_asked_for {
            continue;
        }
        match proc.process(pid) {
            Ok(process) => {
                snapshot.processes.insert(pid, process);
            }
            Err(why) => snapshot.unseen.push(Unseen { pid, why }),
        }
    }
    Ok(snapshot)
}

/// The processes asked for; an error if there is none.
fn asked_for(scope: &Scope, snapshot: &Snapshot) -> Result<BTreeSet<u32>, ScanError> {
    match scope {
        Scope::All if snapshot.processes.is_empty() && !snapshot.unseen.is_empty() => {
            Err(ScanError::AllRefused(snapshot.unseen.len() as u64))
        }
        Scope::All => Ok(snapshot.processes.keys().copied().collect()),
        Scope::Pids(pids) | Scope::Families(pids) => {
            for pid in pids {
                if !snapshot.processes.contains_key(pid) {
                    let unseen = snapshot.unseen.iter().find(|unseen| unseen.pid == *pid);
                    return Err(match unseen.map(|unseen| unseen.why) {
                        Some(Why::Refused) => ScanError::Refused(*pid),
                        _ => ScanError::NoSuchProcess(*pid),
                    });
                }
            }
            let mut asked: BTreeSet<u32> = pids.iter().copied().collect();
            if matches!(scope, Scope::Families(_)) {
                let descends =
                    |pid: &&u32| pids.iter().any(|it| snapshot.is_descendant(**pid, *it));
                asked.extend(snapshot.processes.keys().filter(descends));
            }
            Ok(asked)
        }
        Scope::Name(name) => {
            let of_name = |process: &&Process| process.comm == *name;
            let pids: BTreeSet<u32> = snapshot
                .processes
                .values()
                .filter(of_name)
                .map(|process| process.pid)
                .collect();
            if pids.is_empty() {
                return Err(ScanError::NoSuchName(name.clone()));
            }
            Ok(pids)
        }
    }
}

/// A look at processes that were listed a moment ago.
struct Look<'a> {
    proc: &'a Proc,
    comparer: &'a Comparer,
    processes: &'a BTreeMap<u32, Process>,
}

impl Look<'_> {
    fn instances(&self, asked: &BTreeSet<u32>) -> Vec<Instance> {
        let names = self.names();
        let mut instances = Vec::new();
        for (slots, is_certain) in self.put_together(names) {
            if slots.iter().any(|(pid, _)| asked.contains(pid)) {
                instances.extend(self.instance(&slots, is_certain));
            }
        }
        instances.sort_by_key(|instance| instance.names[0]);
        let mut holders = Holders::new(self.processes);
        for instance in &mut instances {
            self.find_holders(instance, &mut holders);
        }
        instances
    }

    /// Every number that names an instance.
    fn names(&self) -> Vec<Slot> {
        let mut names = Vec::new();
        for process in self.processes.values() {
            let epolls = process.open.iter().filter(|open| open.kind == Kind::Epoll);
            names.extend(epolls.map(|open| (process.pid, open.fd)));
        }
        names
    }

    /// The names of each instance, and whether that is certain.
    fn put_together(&self, names: Vec<Slot>) -> Vec<(Vec<Slot>, bool)> {
        let mut sorted = Sorted::new(self.comparer, names);
        let lost = std::mem::take(&mut sorted.lost);
        let certain = sorted.into_files().into_iter().map(|slots| (slots, true));
        let mut instances: Vec<(Vec<Slot>, bool)> = certain.collect();
        let likely = self.put_likely_together(lost);
        instances.extend(likely.into_iter().map(|slots| (slots, false)));
        instances
    }

    /// Where the kernel cannot be asked: the same number and the same
    /// registrations in a parent and its descendant.
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

    /// One instance with all that is known of it; nothing if it has gone.
    fn instance(&self, slots: &[Slot], is_certain: bool) -> Option<Instance> {
        let mut names = Vec::new();
        let mut first: Option<(Slot, FdInfo)> = None;
        for &(pid, fd) in slots {
            let Ok(info) = self.proc.fdinfo(pid, fd) else {
                continue;
            };
            names.push(Name {
                pid,
                fd,
                is_cloexec: info.is_cloexec(),
            });
            first.get_or_insert(((pid, fd), info));
        }
        names.sort_unstable();
        let (name, info) = first?;
        let tables = self.tables(&names);
        let mut registrations = Vec::new();
        for (row, nth) in numbered(&info.rows) {
            let target = target(name, row, nth, &info);
            let meaning = |pid: &u32| InTable {
                pid: *pid,
                meaning: self.meaning(row, &target, *pid, self.listed(*pid, row.tfd)),
            };
            registrations.push(registration(row, nth, tables.iter().map(meaning).collect()));
        }
        let mut instance = Instance {
            names,
            registrations,
            left_out: info.left_out,
            is_certain,
        };
        for _ in 0..SECOND_LOOKS {
            self.look_again(&mut instance, name, |_| true);
        }
        // An instance shares its own inode with all that have none.
        let shared = self.listed(name.0, name.1).and_then(|open| open.key);
        let is_doubtful = |it: &Registration| it.key.zip(shared).is_none_or(|(a, b)| a.can_be(b));
        for _ in 0..DOUBTFUL_LOOKS {
            self.look_again(&mut instance, name, is_doubtful);
        }
        Some(instance)
    }

    /// The processes that hold an instance, one of each descriptor table.
    fn tables(&self, names: &[Name]) -> Vec<u32> {
        let mut tables: Vec<u32> = Vec::new();
        for name in names {
            let is_known = |pid: &u32| {
                *pid == name.pid
                    || self.listed(*pid, name.fd).is_some()
                        && self.comparer.is_one_table(*pid, name.pid)
            };
            if !tables.iter().any(is_known) {
                tables.push(name.pid);
            }
        }
        tables
    }

    fn listed(&self, pid: u32, fd: i32) -> Option<&OpenFd> {
        self.processes.get(&pid)?.open_fd(fd)
    }

    /// What a registration's number means in a table, where it names `open`.
    fn meaning(&self, row: &Row, target: &Target, pid: u32, open: Option<&OpenFd>) -> Meaning {
        let Some(open) = open else {
            return Meaning::Closed;
        };
        let keys = key(row).zip(open.key);
        if keys.is_some_and(|(a, b)| !a.can_be(b)) {
            return Meaning::Other;
        }
        let is_believed = keys.is_some() && !open.kind.shares_its_inode();
        let is_asked = open.kind != Kind::Socket && target.among <= ASKED_ABOUT_INODES as u64;
        if is_believed && !is_asked {
            return Meaning::Same;
        }
        match self.comparer.registration((pid, row.tfd), target) {
            Some(Ordering::Equal) => Meaning::Same,
            Some(_) => Meaning::Other,
            None if is_believed => Meaning::Same,
            None => Meaning::Unknown,
        }
    }

    /// Looks once more at what does not fit: number first, then the instance.
    ///
    /// The other way round, a program that removes, closes and is done between the
    /// two looks would seem to have left a ghost.
    fn look_again(
        &self,
        instance: &mut Instance,
        name: Slot,
        is_asked_fn: impl Fn(&Registration) -> bool,
    ) {
        let is_asked = |it: &Registration| !it.is_plain() && is_asked_fn(it);
        if !instance.registrations.iter().any(is_asked) || !self.proc.is_live() {
            return;
        }
        let Ok(before) = self.proc.fdinfo(name.0, name.1) else {
            // It has ended: what was only seen once, and long ago, is not told.
            instance.registrations.retain(|it| !is_asked(it));
            return;
        };
        let rows: BTreeMap<(i32, u32), Row> = by_number(&before);
        for registration in &mut instance.registrations {
            if !is_asked(registration) {
                continue;
            }
            let Some(row) = rows.get(&(registration.fd, registration.nth)) else {
                continue;
            };
            registration.events = row.events;
            let target = target(name, row, registration.nth, &before);
            for table in &mut registration.tables {
                if let Ok(open) = self.proc.open_fd(table.pid, row.tfd) {
                    table.meaning = self.meaning(row, &target, table.pid, open.as_ref());
                }
            }
        }
        let Ok(after) = self.proc.fdinfo(name.0, name.1) else {
            instance.registrations.retain(|it| !is_asked(it));
            return;
        };
        let after = by_number(&after);
        instance.registrations.retain(|registration| {
            let at = (registration.fd, registration.nth);
            let is_still_there = match (rows.get(&at), after.get(&at)) {
                (Some(before), Some(after)) => {
                    before.is_same_registration(after)
                        && (registration.data, registration.key) == (before.data, key(before))
                }
                _ => false,
            };
            !is_asked(registration) || is_still_there
        });
    }

    fn find_holders(&self, instance: &mut Instance, holders: &mut Holders<'_>) {
        let name = instance.names[0];
        let among = instance.registrations.len() as u64;
        for registration in &mut instance.registrations {
            let of_table = |table: &InTable| self.listed(table.pid, registration.fd);
            let same = |table: &&InTable| table.meaning == Meaning::Same;
            registration.kind = registration
                .tables
                .iter()
                .find(same)
                .and_then(of_table)
                .map(|open| open.kind);
            if registration.is_plain() {
                continue;
            }
            let target = Target {
                instance: (name.pid, name.fd),
                fd: registration.fd,
                nth: registration.nth,
                among,
            };
            registration.held_by = holders.of(self.comparer, registration, &target);
            for table in &mut registration.tables {
                // It has come back this very moment.
                let is_itself =
                    |held: &Held| held.is_certain && (held.pid, held.fd) == (table.pid, target.fd);
                if registration.held_by.iter().any(is_itself) {
                    table.meaning = Meaning::Same;
                }
            }
            if let Some(held) = registration.held_by.first() {
                registration.kind = self.listed(held.pid, held.fd).map(|open| open.kind);
            }
        }
    }
}

/// Each row, and which it is of those of its number.
fn numbered(rows: &[Row]) -> impl Iterator<Item = (&Row, u32)> {
    let mut seen: BTreeMap<i32, u32> = BTreeMap::new();
    rows.iter().map(move |row| {
        let count = seen.entry(row.tfd).or_insert(0);
        *count += 1;
        (row, *count - 1)
    })
}

fn by_number(info: &FdInfo) -> BTreeMap<(i32, u32), Row> {
    numbered(&info.rows)
        .map(|(row, nth)| ((row.tfd, nth), *row))
        .collect()
}

fn target(instance: Slot, row: &Row, nth: u32, info: &FdInfo) -> Target {
    Target {
        instance,
        fd: row.tfd,
        nth,
        among: info.rows.len() as u64,
    }
}

fn registration(row: &Row, nth: u32, tables: Vec<InTable>) -> Registration {
    Registration {
        fd: row.tfd,
        nth,
        events: row.events,
        data: row.data,
        key: key(row),
        kind: None,
        tables,
        held_by: Vec::new(),
    }
}

fn key(row: &Row) -> Option<FileKey> {
    let ino = row.ino?;
    Some(FileKey { dev: row.sdev, ino })
}
