//! Who made a registration, and when it becomes a ghost: the maker closes the fd, and the file lives on.
//!
//! ```text
//!   epoll_ctl(ADD) ─▶ (instance, file, fd) ─▶ its maker
//!   close by the maker, and others have the file ─▶ MadeGhost
//! ```
//! Only what was recorded is known: a registration from before the recording has no maker here.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::kernel::{Body, Call, Head, Record, Registered, What, int, long};
use crate::tasks::Tasks;

/// Registrations whose maker is remembered, and files of which it is known where they were opened. If they become more, which
/// they do where frees are lost, it begins anew: what was registered before then has no known maker, and is left alone.
const MAX_KNOWN: usize = 1 << 18;

/// Ghosts that wait to be taken.
const MAX_WAITING: usize = 1 << 14;

/// Where else a file was seen to be opened.
const MAX_PLACES: usize = 16;

/// Relatives that are named as possible holders.
const MAX_RELATIVES: usize = 64;

const EPOLL_CTL_ADD: u64 = 1;
const EPOLL_CTL_DEL: u64 = 2;
const EPOLL_CTL_MOD: u64 = 3;
const CLOSE_RANGE_CLOEXEC: u64 = 4;

/// A registration whose maker has closed its fd, while the file lives on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeGhost {
    /// The process that made the registration, and closed its fd or ended.
    pub maker: u32,
    /// Other processes that have made a registration in this instance under this fd, and live.
    pub others: Vec<u32>,
    /// The fd it was made under.
    pub fd: i32,
    /// The events it waits for.
    pub events: u32,
    /// The data that its events carry.
    pub data: u64,
    /// Where the instance can be: process and fd, the likeliest first.
    pub instance: Vec<(u32, i32)>,
    /// Where the file can be: process and fd, the likeliest first. The kernel says which of them is.
    pub held_by: Vec<(u32, i32)>,
    /// When it was made, in nanoseconds of the monotonic clock.
    pub made: u64,
}

/// Instance, file and fd: the kernel's key, with its instance.
type Key = (u64, u64, i32);

#[derive(Debug, Clone, Copy)]
struct Maker {
    pid: u32,
    events: u32,
    data: u64,
}

/// Follows registrations and who made them.
#[derive(Debug, Default)]
pub(crate) struct Makers {
    known: FxHashMap<Key, Maker>,
    of_file: FxHashMap<u64, Vec<Key>>,
    /// Who made those of an instance under an fd, each as often as it has.
    of_place: FxHashMap<(u64, i32), Vec<u32>>,
    of_maker: FxHashMap<u32, BTreeSet<Key>>,
    /// Where a file was opened, copied or received.
    places: FxHashMap<u64, Vec<(u32, i32)>>,
    /// The fds that name an instance, by process: those that epoll_ctl was called with, and inherited ones.
    instances: FxHashMap<u32, Vec<(i32, u64)>>,
    families: Families,
    /// Whose end was lost.
    tasks: Tasks,
    made: VecDeque<MadeGhost>,
}

impl Makers {
    /// The ghosts that have been made since the last call.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = MadeGhost> {
        self.made.drain(..)
    }

    /// Follows a record.
    pub(crate) fn follow(&mut self, record: &Record<'_>) {
        let head = &record.head;
        self.tasks.follow(record);
        let Some(call) = &record.call else {
            return;
        };
        match (head.what, &call.body) {
            (What::Enter, Body::Closing(registered, _)) => self.closing(head, registered),
            (What::Closed, _) if head.references <= 1 => self.freed(head.file),
            (What::Exit, _) if is_control(head.number) => self.controlled(head, call),
            (What::Exit, _) if is_sweep(head.number) && head.result == 0 => self.swept(head, call),
            (What::Exit, Body::Files(files)) if head.result >= 0 => {
                let numbers = match files[1] {
                    Some(_) => [call.arguments[4] as i32, call.arguments[5] as i32],
                    None => [head.fd, -1],
                };
                for (about, fd) in files.iter().flatten().zip(numbers) {
                    self.placed(about.file, head.pid, fd);
                }
            }
            (What::Exit, Body::Bytes(_)) if is_receive(head.number) => {
                self.placed(call.arguments[5], head.pid, call.arguments[4] as i32);
            }
            (What::Fork, _) => self.forked(head.pid, call.arguments[1] as u32),
            // Which fds it closes is not told.
            (What::Exec, _) => drop(self.instances.remove(&head.pid)),
            (What::Gone, _) if call.arguments[1] == 0 => self.gone(head.pid, head.time),
            _ => {}
        }
    }

    /// Where records were lost, looks whose end was among them. `is_empty` says that all was read that is recorded.
    pub(crate) fn look(&mut self, is_empty: bool) {
        for pid in self.tasks.ended(is_empty) {
            self.gone(pid, self.tasks.newest());
        }
    }

    fn controlled(&mut self, head: &Head, call: &Call<'_>) {
        let [epfd, operation, fd, _, instance, _] = call.arguments;
        let key = (instance, head.file, fd as i32);
        if instance != 0 && head.result >= 0 {
            let named = self.instances.entry(head.pid).or_default();
            named.retain(|(fd, _)| *fd != epfd as i32);
            named.push((epfd as i32, instance));
        }
        if head.result != 0 || instance == 0 || head.file == 0 {
            return;
        }
        let (events, data) = match call.body {
            Body::Bytes(bytes) => (int(bytes, 0), long(bytes, bytes.len().saturating_sub(8))),
            _ => (None, None),
        };
        match operation {
            EPOLL_CTL_ADD => {
                if self.known.len() >= MAX_KNOWN {
                    self.known.clear();
                    self.of_file.clear();
                    self.of_place.clear();
                    self.of_maker.clear();
                }
                let maker = Maker {
                    pid: head.pid,
                    events: events.unwrap_or(0),
                    data: data.unwrap_or(0),
                };
                self.forget(&key);
                self.known.insert(key, maker);
                self.of_file.entry(head.file).or_default().push(key);
                self.of_maker.entry(head.pid).or_default().insert(key);
                let place = self.of_place.entry((instance, key.2)).or_default();
                place.push(head.pid);
            }
            EPOLL_CTL_DEL => self.forget(&key),
            EPOLL_CTL_MOD => {
                if let Some(maker) = self.known.get_mut(&key) {
                    maker.events = events.unwrap_or(maker.events);
                    maker.data = data.unwrap_or(maker.data);
                }
            }
            _ => {}
        }
    }

    /// A process closes an fd, by itself or by putting another file there.
    fn closing(&mut self, head: &Head, registered: &Registered) {
        if let Some(named) = self.instances.get_mut(&head.pid) {
            named.retain(|(fd, _)| *fd != head.fd);
        }
        if registered.references <= 1 {
            return self.freed(head.file);
        }
        for it in registered.matches.iter().flatten() {
            let key = (it.instance, head.file, head.fd);
            let Some(maker) = self.known.get(&key).copied() else {
                continue;
            };
            if maker.pid == head.pid {
                let now = Maker {
                    events: it.events,
                    data: it.data,
                    ..maker
                };
                self.make(&key, now, head.time, false);
                self.forget(&key);
            }
        }
    }

    /// close_range(2): what it has closed is known by the registrations alone. One whose file is gone with its fd will
    /// not be found.
    fn swept(&mut self, head: &Head, call: &Call<'_>) {
        let [first, last, flags, ..] = call.arguments;
        if flags & CLOSE_RANGE_CLOEXEC != 0 {
            return;
        }
        let is_swept = |fd: i32| (first..=last).contains(&u64::from(fd.cast_unsigned()));
        if let Some(named) = self.instances.get_mut(&head.pid) {
            named.retain(|(fd, _)| !is_swept(*fd));
        }
        let keys = self.of_maker.get(&head.pid).into_iter().flatten().copied();
        let swept: Vec<Key> = keys.filter(|(_, _, fd)| is_swept(*fd)).collect();
        self.end(head.pid, head.time, &swept, false);
    }

    fn gone(&mut self, pid: u32, time: u64) {
        self.families.end(pid);
        let keys = self.of_maker.get(&pid).into_iter().flatten();
        let keys: Vec<Key> = keys.copied().collect();
        self.end(pid, time, &keys, true);
        self.families.forget(pid);
        self.instances.remove(&pid);
    }

    /// The maker has closed the fds of these registrations, or has ended; whether somebody has the files is not told.
    fn end(&mut self, pid: u32, time: u64, keys: &[Key], by_end: bool) {
        let has_relatives = self.families.relatives(pid).next().is_some();
        for key in keys {
            if let Some(maker) = self.known.get(key).copied().filter(|_| has_relatives) {
                self.make(key, maker, time, by_end);
            }
            self.forget(key);
        }
    }

    fn forked(&mut self, parent: u32, child: u32) {
        if parent == child {
            return;
        }
        self.families.fork(parent, child);
        if let Some(named) = self.instances.get(&parent) {
            let named = named.clone();
            self.instances.insert(child, named);
        }
    }

    fn make(&mut self, key: &Key, maker: Maker, made: u64, by_end: bool) {
        if self.made.len() >= MAX_WAITING {
            return;
        }
        let (instance, file, fd) = *key;
        let relatives: Vec<u32> = self.families.relatives(maker.pid).collect();
        let at_relatives = |fd: i32| relatives.iter().map(move |pid| (*pid, fd));
        let own = std::iter::once(maker.pid).filter(|_| !by_end);
        let names = |pid: u32| {
            let named = self.instances.get(&pid).into_iter().flatten();
            let of_it = named.filter(move |(_, it)| *it == instance);
            of_it.map(move |(fd, _)| (pid, *fd))
        };
        let closed = (maker.pid, fd);
        let places = self.places.get(&file).into_iter().flatten().copied();
        let elsewhere = places.clone().flat_map(|(_, fd)| at_relatives(fd));
        let held_by = at_relatives(fd).chain(places).chain(elsewhere);
        let mut seen = FxHashSet::default();
        let makers = self.of_place.get(&(instance, fd)).into_iter().flatten();
        let mut others: Vec<u32> = makers.copied().filter(|pid| *pid != maker.pid).collect();
        others.sort_unstable();
        others.dedup();
        self.made.push_back(MadeGhost {
            maker: maker.pid,
            others,
            fd,
            events: maker.events,
            data: maker.data,
            instance: own
                .chain(relatives.iter().copied())
                .flat_map(names)
                .collect(),
            held_by: held_by
                .filter(|it| *it != closed && seen.insert(*it))
                .collect(),
            made,
        });
    }

    fn placed(&mut self, file: u64, pid: u32, fd: i32) {
        if file == 0 {
            return;
        }
        if self.places.len() >= MAX_KNOWN {
            self.places.clear();
        }
        let places = self.places.entry(file).or_default();
        if !places.contains(&(pid, fd)) {
            if places.len() >= MAX_PLACES {
                places.remove(0);
            }
            places.push((pid, fd));
        }
    }

    /// A file is freed, and its registrations with it: another one may get its address.
    fn freed(&mut self, file: u64) {
        self.places.remove(&file);
        for key in self.of_file.remove(&file).unwrap_or_default() {
            if let Some(maker) = self.known.remove(&key) {
                self.unlink(maker.pid, &key);
            }
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(maker) = self.known.remove(key) {
            self.unlink(maker.pid, key);
        }
        if let Some(keys) = self.of_file.get_mut(&key.1) {
            keys.retain(|it| it != key);
            if keys.is_empty() {
                self.of_file.remove(&key.1);
            }
        }
    }

    fn unlink(&mut self, pid: u32, key: &Key) {
        if let Some(keys) = self.of_maker.get_mut(&pid) {
            keys.remove(key);
            if keys.is_empty() {
                self.of_maker.remove(&pid);
            }
        }
        let place = (key.0, key.2);
        if let Some(makers) = self.of_place.get_mut(&place) {
            if let Some(at) = makers.iter().position(|it| *it == pid) {
                makers.swap_remove(at);
            }
            if makers.is_empty() {
                self.of_place.remove(&place);
            }
        }
    }
}

/// Which processes come from one: a fork gives a child all fds.
#[derive(Debug, Default)]
struct Families {
    of: FxHashMap<u32, u32>,
    members: FxHashMap<u32, Vec<u32>>,
}

impl Families {
    fn fork(&mut self, parent: u32, child: u32) {
        if parent == child {
            return;
        }
        let family = *self.of.entry(parent).or_insert(parent);
        let members = self.members.entry(family).or_default();
        if !members.contains(&parent) {
            members.push(parent);
        }
        members.push(child);
        self.of.insert(child, family);
    }

    /// A process is not alive any more.
    fn end(&mut self, pid: u32) {
        if let Some(family) = self.of.get(&pid)
            && let Some(members) = self.members.get_mut(family)
        {
            members.retain(|it| *it != pid);
            if members.is_empty() {
                self.members.remove(family);
            }
        }
    }

    fn forget(&mut self, pid: u32) {
        self.of.remove(&pid);
    }

    /// The others of its family that are alive, the youngest first.
    fn relatives(&self, pid: u32) -> impl Iterator<Item = u32> {
        let members = self
            .of
            .get(&pid)
            .and_then(|family| self.members.get(family));
        let members = members.into_iter().flatten().rev().copied();
        members.filter(move |it| *it != pid).take(MAX_RELATIVES)
    }
}

fn is_control(number: u16) -> bool {
    i64::from(number) == libc::SYS_epoll_ctl
}

fn is_sweep(number: u16) -> bool {
    i64::from(number) == libc::SYS_close_range
}

fn is_receive(number: u16) -> bool {
    i64::from(number) == libc::SYS_recvmsg
}

#[cfg(test)]
mod tests;
