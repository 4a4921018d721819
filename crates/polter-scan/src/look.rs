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

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::compare::{Comparer, Slot, Sorted, Target};
use crate::error::ScanError;
use crate::fdinfo::{FdInfo, Row};
use crate::holders::Holders;
use crate::proc::Proc;
use crate::snapshot::{
    Effort, FileKey, Held, InTable, Instance, Kind, Meaning, Name, OpenFd, Process, Registration,
    Snapshot, Unseen, Why,
};
use crate::source::{By, Limits, Source, is_contained};

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
    pub(crate) fn names(&self, pid: u32) -> bool {
        match self {
            Scope::Pids(pids) | Scope::Families(pids) => pids.contains(&pid),
            Scope::All | Scope::Name(_) => false,
        }
    }
}

impl Snapshot {
    /// Looks at the processes of a tree, through that tree.
    pub fn take(proc: &Proc, scope: &Scope) -> Result<Snapshot, ScanError> {
        Snapshot::take_proc(proc, scope, &Limits::default())
    }

    pub(crate) fn take_proc(
        proc: &Proc,
        scope: &Scope,
        limits: &Limits,
    ) -> Result<Snapshot, ScanError> {
        let comparer = Comparer::new(proc.is_live());
        let (mut snapshot, apart) = processes(proc, &comparer, scope, limits)?;
        snapshot.source = Source {
            by: if proc.is_live() {
                By::Proc
            } else {
                By::Capture
            },
            why_not_bpf: None,
            is_contained: proc.is_live() && is_contained(),
        };
        let mut asked = asked_for(scope, &snapshot)?;
        let is_asked = |leader: &u32| asked.contains(leader);
        let theirs = apart.iter().filter(|(_, leader)| is_asked(leader));
        let theirs: Vec<u32> = theirs.map(|(thread, _)| *thread).collect();
        asked.extend(theirs);
        let look = Look {
            proc,
            comparer: &comparer,
            processes: &snapshot.processes,
            names_of_inode: OnceCell::new(),
        };
        let (instances, left_out) = look.instances(&asked, limits);
        snapshot.instances = instances;
        snapshot.effort = Effort {
            numbers_left_out: snapshot.effort.numbers_left_out,
            registrations_left_out: left_out,
            ..comparer.effort()
        };
        Ok(snapshot)
    }
}

/// Threads with a descriptor table of their own, and the process each is of.
type Apart = BTreeMap<u32, u32>;

/// Every process but this one, unless it is asked for: its numbers change with the looking.
///
/// A thread with a table of its own is one more, and a child of its process: a number may
/// name there what it names nowhere else.
fn processes(
    proc: &Proc,
    comparer: &Comparer,
    scope: &Scope,
    limits: &Limits,
) -> Result<(Snapshot, Apart), ScanError> {
    let own = std::process::id();
    let is_asked_for = scope.names(own);
    let (mut snapshot, mut apart) = (Snapshot::default(), Apart::new());
    let pids = proc.pids().map_err(|source| ScanError::Root {
        path: proc.root().to_owned(),
        source,
    })?;
    let mut room = limits.numbers;
    for pid in pids {
        if proc.is_live() && pid == own && !is_asked_for {
            continue;
        }
        match proc.process(pid) {
            Ok(process) => add(process, &mut room, &mut snapshot),
            Err(why) => {
                snapshot.unseen.push(Unseen { pid, why });
                continue;
            }
        }
        for thread in threads_apart(proc, comparer, pid) {
            if let Ok(process) = proc.process(thread) {
                add(
                    Process {
                        ppid: pid,
                        ..process
                    },
                    &mut room,
                    &mut snapshot,
                );
                apart.insert(thread, pid);
            }
        }
    }
    Ok((snapshot, apart))
}

/// Adds a process with as many numbers as there is room for.
fn add(mut process: Process, room: &mut usize, snapshot: &mut Snapshot) {
    let beyond = process.open.len().saturating_sub(*room);
    snapshot.effort.numbers_left_out += beyond as u64;
    process.open.truncate(*room);
    *room -= process.open.len();
    snapshot.processes.insert(process.pid, process);
}

/// The threads known to have another table than their process (`unshare(CLONE_FILES)`).
fn threads_apart(proc: &Proc, comparer: &Comparer, pid: u32) -> Vec<u32> {
    if !proc.is_live() || !proc.has_threads(pid) {
        return Vec::new();
    }
    let mut threads = proc.threads(pid).unwrap_or_default();
    threads.retain(|thread| *thread != pid && comparer.is_other_table(pid, *thread));
    threads
}

/// The processes asked for; an error if there is none.
pub(crate) fn asked_for(scope: &Scope, snapshot: &Snapshot) -> Result<BTreeSet<u32>, ScanError> {
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
    /// How many numbers name an inode that may be several files'.
    names_of_inode: OnceCell<FxHashMap<u64, u32>>,
}

impl Look<'_> {
    fn instances(&self, asked: &BTreeSet<u32>, limits: &Limits) -> (Vec<Instance>, u64) {
        let names = self.names();
        let mut instances = Vec::new();
        let (mut room, mut left_out) = (limits.registrations, 0);
        for (slots, is_certain) in self.put_together(names) {
            if slots.iter().any(|(pid, _)| asked.contains(pid)) {
                let instance = self.instance(&slots, is_certain, room, &mut left_out);
                room -= instance.as_ref().map_or(0, |it| it.registrations.len());
                instances.extend(instance);
            }
        }
        instances.sort_by_key(|instance| instance.names[0]);
        let mut holders = Holders::new(self.processes);
        for instance in &mut instances {
            self.find_holders(instance, &mut holders);
        }
        (instances, left_out)
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
    fn instance(
        &self,
        slots: &[Slot],
        is_certain: bool,
        room: usize,
        left_out: &mut u64,
    ) -> Option<Instance> {
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
        let (name, mut info) = first?;
        *left_out += info.rows.len().saturating_sub(room) as u64;
        info.rows.truncate(room);
        let tables = self.tables(&names);
        let mut registrations = Vec::new();
        for (row, nth) in numbered(info.rows.iter()) {
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
        let mut rows = Rows::of(&instance, &info);
        for _ in 0..SECOND_LOOKS {
            self.look_again(&mut instance, name, &mut rows, |_| true);
        }
        // An instance shares its own inode with all that have none.
        let shared = self.listed(name.0, name.1).and_then(|open| open.key);
        let is_doubtful = |it: &Registration| it.key.zip(shared).is_none_or(|(a, b)| a.can_be(b));
        for _ in 0..DOUBTFUL_LOOKS {
            self.look_again(&mut instance, name, &mut rows, is_doubtful);
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
        let is_asked = || {
            let is_cheap = target.among <= ASKED_ABOUT_INODES as u64;
            open.kind != Kind::Socket && is_cheap && !self.is_alone(pid, open)
        };
        if is_believed && !is_asked() {
            return Meaning::Same;
        }
        match self.comparer.registration((pid, row.tfd), target) {
            Some(Ordering::Equal) => Meaning::Same,
            Some(_) => Meaning::Other,
            None if is_believed => Meaning::Same,
            None => Meaning::Unknown,
        }
    }

    /// True if no other number in sight names its inode.
    ///
    /// It is the registration's file then: another one of that inode, such as a pipe's
    /// other end, would be under the number that keeps it.
    fn is_alone(&self, pid: u32, open: &OpenFd) -> bool {
        let names = self.names_of_inode.get_or_init(|| {
            let mut names: FxHashMap<u64, u32> = FxHashMap::default();
            let numbers = self.processes.values().flat_map(|process| &process.open);
            for open in numbers.filter(|open| matches!(open.kind, Kind::Pipe | Kind::Path)) {
                if let Some(key) = open.key {
                    *names.entry(key.ino).or_default() += 1;
                }
            }
            names
        });
        let is_as_listed = self
            .listed(pid, open.fd)
            .is_some_and(|it| it.key == open.key);
        is_as_listed && open.key.is_some_and(|key| names.get(&key.ino) == Some(&1))
    }

    /// Looks once more at what does not fit: number first, then the instance.
    ///
    /// The other way round, a program that removes, closes and is done between the
    /// two looks would seem to have left a ghost. `rows` are the instance's as they
    /// were last read, and are read anew.
    fn look_again(
        &self,
        instance: &mut Instance,
        name: Slot,
        rows: &mut Rows,
        is_asked_fn: impl Fn(&Registration) -> bool,
    ) {
        let is_asked = |it: &Registration| !it.is_plain() && is_asked_fn(it);
        if !instance.registrations.iter().any(is_asked) || !self.proc.is_live() {
            return;
        }
        for registration in &mut instance.registrations {
            if !is_asked(registration) {
                continue;
            }
            let Some(row) = rows.get(registration) else {
                continue;
            };
            registration.events = row.events;
            let target = rows.target(name, registration);
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
        let after = Rows::of(instance, &after);
        instance.registrations.retain(|registration| {
            let is_still_there = match (rows.get(registration), after.get(registration)) {
                (Some(before), Some(after)) => {
                    before.is_same_registration(after)
                        && (registration.data, registration.key) == (before.data, key(before))
                }
                _ => false,
            };
            !is_asked(registration) || is_still_there
        });
        *rows = after;
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
fn numbered<'a>(rows: impl Iterator<Item = &'a Row>) -> impl Iterator<Item = (&'a Row, u32)> {
    let mut seen: BTreeMap<i32, u32> = BTreeMap::new();
    rows.map(move |row| {
        let count = seen.entry(row.tfd).or_insert(0);
        *count += 1;
        (row, *count - 1)
    })
}

/// The rows of what does not fit, out of all that an instance has.
struct Rows {
    by_number: BTreeMap<(i32, u32), Row>,
    among: u64,
}

impl Rows {
    fn of(instance: &Instance, info: &FdInfo) -> Rows {
        let odd = instance.registrations.iter().filter(|it| !it.is_plain());
        let odd: BTreeSet<i32> = odd.map(|it| it.fd).collect();
        let rows = info.rows.iter().filter(|row| odd.contains(&row.tfd));
        Rows {
            by_number: numbered(rows)
                .map(|(row, nth)| ((row.tfd, nth), *row))
                .collect(),
            among: info.rows.len() as u64,
        }
    }

    fn get(&self, registration: &Registration) -> Option<&Row> {
        self.by_number.get(&(registration.fd, registration.nth))
    }

    fn target(&self, instance: Slot, registration: &Registration) -> Target {
        Target {
            instance,
            fd: registration.fd,
            nth: registration.nth,
            among: self.among,
        }
    }
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
        nameless: None,
    }
}

fn key(row: &Row) -> Option<FileKey> {
    let ino = row.ino?;
    Some(FileKey { dev: row.sdev, ino })
}

#[cfg(test)]
mod tests;
