//! From `/proc` to a [`Snapshot`]: list, look, compare, look again.
//!
//! ```text
//!   Listing ─▶ instances (names, kcmp) ─▶ registrations (fdinfo) ─▶ each number's meaning,
//!                                                                   in each holder's table
//!     what is left after second looks (again) ─▶ who keeps it (holders, kcmp)
//! ```
//!
//! The processes run on meanwhile. A number that does not name its file may
//! have been removed and closed between two looks; only what two further looks at the
//! instance and the number agree on is kept.

mod again;
mod asleep;
mod keepers;
mod names;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use self::again::Again;
use self::asleep::Asleep;
use crate::compare::{Comparer, Slot, Target};
use crate::error::ScanError;
use crate::fdinfo::Row;
use crate::list::Listing;
use crate::nth::Nth;
use crate::parallel;
use crate::proc::Proc;
use crate::room::Room;
use crate::scope::{Scope, asked_for};
use crate::snapshot::{
    Effort, FileKey, InTable, Instance, Kind, Meaning, Name, OpenFd, Process, Registration,
    Snapshot,
};
use crate::source::{By, Limits, Source, is_contained};

/// Above so many registrations, equal inodes are believed for pipes and paths:
/// asking the kernel costs the more the more there are.
const ASKED_ABOUT_INODES: usize = 1000;

/// Holders of one instance that hardly all sleep.
const MANY: usize = 64;

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
        let listing = Listing::of(proc, &comparer, scope, limits)?;
        let by = if proc.is_live() {
            By::Proc
        } else {
            By::Capture
        };
        let mut snapshot = Snapshot {
            source: Source {
                by,
                why_not_bpf: None,
                is_hidden: proc.is_live() && !proc.root().join("1").exists(),
                is_contained: proc.is_live() && is_contained(),
            },
            processes: listing.processes,
            unseen: listing.unseen,
            ..Snapshot::default()
        };
        let mut asked = asked_for(scope, &snapshot)?;
        let theirs = |(thread, leader): (&u32, &u32)| asked.contains(leader).then_some(*thread);
        let theirs: Vec<u32> = listing.apart.iter().filter_map(theirs).collect();
        asked.extend(theirs);
        let look = Look {
            proc,
            comparer: &comparer,
            processes: &snapshot.processes,
            names_of_inode: OnceLock::new(),
        };
        let (mut instances, left_out) = look.instances(&asked, limits);
        instances = look.find_holders(instances);
        if proc.is_live() && has_kept_by_nobody(&instances) {
            // Whoever keeps it may have come, or moved it, since the list was made.
            let anew = Listing::of(proc, &comparer, scope, limits)?;
            let look = Look {
                processes: &anew.processes,
                names_of_inode: OnceLock::new(),
                ..look
            };
            instances = look.find_holders(instances);
            for (pid, process) in anew.processes {
                snapshot.processes.entry(pid).or_insert(process);
            }
        }
        snapshot.instances = instances;
        snapshot.effort = Effort {
            numbers_left_out: listing.numbers_left_out,
            registrations_left_out: left_out,
            ..comparer.effort()
        };
        Ok(snapshot)
    }
}

fn has_kept_by_nobody(instances: &[Instance]) -> bool {
    let mut registrations = instances.iter().flat_map(|it| &it.registrations);
    registrations.any(|it| it.is_ghost() && it.held_by.is_empty())
}

/// A look at processes that were listed a moment ago.
struct Look<'a> {
    proc: &'a Proc,
    comparer: &'a Comparer,
    processes: &'a BTreeMap<u32, Process>,
    /// How many numbers name an inode that may be several files'.
    names_of_inode: OnceLock<FxHashMap<u64, u32>>,
}

impl Look<'_> {
    fn instances(&self, asked: &BTreeSet<u32>, limits: &Limits) -> (Vec<Instance>, u64) {
        let mut named = self.put_together(self.names());
        named.retain(|(slots, _)| slots.iter().any(|(pid, _)| asked.contains(pid)));
        let room = Room::new(limits.registrations);
        let looked_at = parallel::map(named, |(slots, is_certain)| {
            self.instance(&slots, is_certain, &room)
        });
        let mut instances: Vec<Instance> = looked_at.into_iter().flatten().collect();
        instances.sort_by_key(|instance| instance.names[0]);
        (instances, room.left_out())
    }

    /// One instance with all that is known of it; nothing if it has gone.
    fn instance(&self, slots: &[Slot], is_certain: bool, room: &Room) -> Option<Instance> {
        let mut names = Vec::new();
        let mut first = None;
        let asleep = self.asleep(slots);
        for &(pid, fd) in slots {
            let Ok(mut text) = self.proc.info(pid, fd) else {
                continue;
            };
            // They are all the same but for the flags.
            let is_first = first.is_none();
            let Ok(info) = text.read(|_| is_first) else {
                continue;
            };
            names.push(Name {
                pid,
                fd,
                is_cloexec: info.is_cloexec(),
            });
            first.get_or_insert(((pid, fd), text, info));
        }
        names.sort_unstable();
        let (name, text, mut info) = first?;
        room.fit(&mut info.rows);
        let tables = self.tables(&names);
        let mut registrations = Vec::with_capacity(info.rows.len());
        for (place, (row, nth)) in numbered(info.rows.iter()).enumerate() {
            let mut registration = registration(row, nth);
            let target = Target::of(name, &registration, place);
            let among = info.rows.len();
            for pid in &tables {
                let open = self.listed(*pid, row.tfd);
                let meaning = self.meaning(key(row), &target, among, *pid, open);
                registration.kind = registration.kind.or(open.map(|open| open.kind));
                registration.tables.push(InTable { pid: *pid, meaning });
            }
            // Of what does not fit it is said when that is settled.
            registration.kind = registration.kind.filter(|_| registration.is_plain());
            registrations.push(registration);
        }
        let mut instance = Instance {
            names,
            registrations,
            left_out: info.left_out,
            is_certain,
        };
        // An instance shares its own inode with all that have none.
        let shared = self.listed(name.0, name.1).and_then(|open| open.key);
        let mut again = Again::new(self, name, text, &instance, &info);
        if !again.is_settled(&mut instance, asleep) {
            again.look(&mut instance, shared);
        }
        Some(instance)
    }

    /// The holders of an instance, if all are asleep, and its text may be long: to read it
    /// again takes longer than to find out that there is no need to.
    fn asleep(&self, slots: &[Slot]) -> Option<Asleep> {
        let mut pids: Vec<u32> = slots.iter().map(|(pid, _)| *pid).collect();
        pids.dedup();
        let is_large = |pid: &u32| {
            let process = self.processes.get(pid);
            process.is_some_and(|it| it.open.len() > ASKED_ABOUT_INODES)
        };
        let is_worth_it = self.proc.is_live() && pids.len() <= MANY && pids.iter().any(is_large);
        is_worth_it.then(|| Asleep::of(self.proc, pids)).flatten()
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
    fn meaning(
        &self,
        key: Option<FileKey>,
        target: &Target,
        among: usize,
        pid: u32,
        open: Option<&OpenFd>,
    ) -> Meaning {
        let Some(open) = open else {
            return Meaning::Closed;
        };
        let keys = key.zip(open.key);
        if keys.is_some_and(|(a, b)| !a.can_be(b)) {
            return Meaning::Other;
        }
        let is_believed = keys.is_some() && !open.kind.shares_its_inode();
        let is_asked = || {
            let is_cheap = among <= ASKED_ABOUT_INODES;
            open.kind != Kind::Socket && is_cheap && !self.is_alone(pid, open)
        };
        if is_believed && !is_asked() {
            return Meaning::Same;
        }
        match self.comparer.registration((pid, target.fd), target) {
            Ok(Ordering::Equal) => Meaning::Same,
            Ok(_) => Meaning::Other,
            Err(_) if is_believed => Meaning::Same,
            // Since it was read.
            Err(_) if self.comparer.is_closed((pid, target.fd)) => Meaning::Closed,
            Err(_) => Meaning::Unknown,
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
}

impl Target {
    fn of(instance: Slot, registration: &Registration, place: usize) -> Target {
        Target {
            instance,
            fd: registration.fd,
            nth: registration.nth,
            place: place as u64,
        }
    }
}

/// Each row, and which it is of those of its number.
fn numbered<'a>(rows: impl Iterator<Item = &'a Row>) -> impl Iterator<Item = (&'a Row, u32)> {
    let mut nth = Nth::default();
    rows.map(move |row| (row, nth.of(row.tfd)))
}

fn registration(row: &Row, nth: u32) -> Registration {
    Registration {
        fd: row.tfd,
        nth,
        events: row.events,
        data: row.data,
        key: key(row),
        kind: None,
        tables: SmallVec::new(),
        held_by: Vec::new(),
        nameless: None,
        evidence: None,
    }
}

fn key(row: &Row) -> Option<FileKey> {
    let ino = row.ino?;
    Some(FileKey { dev: row.sdev, ino })
}

#[cfg(test)]
mod tests;
