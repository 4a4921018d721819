//! DELs and closes that a later call of another process could have overtaken. The newest of each process and fd is
//! kept, up to a limit.

use super::sync_events::SyncEvent;
use super::world_set::WorldSet;
use crate::verdict::Site;
use eventpoll::{Fd, FileId};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Most calls that are remembered.
pub(crate) const MAX_PAST: usize = 256;

/// What a call was about: a file, and the fd it is registered under.
type Key = (FileId, Fd);

/// A DEL or a close that another call could have overtaken.
#[derive(Debug)]
pub(crate) struct PastCall {
    pub(crate) file: FileId,
    /// The line the file was made on. Whoever compares files compares this too: another file may get its id.
    pub(crate) born: Option<u64>,
    pub(crate) fd: Fd,
    pub(crate) process: u32,
    /// The worlds in which its order matters.
    pub(crate) worlds: WorldSet,
    pub(crate) event: SyncEvent,
    pub(crate) site: Option<Site>,
}

/// Such calls, by file and fd.
#[derive(Debug, Default)]
pub(crate) struct PastCalls {
    by_key: FxHashMap<Key, Vec<(u64, PastCall)>>,
    /// Oldest first. Some are gone already: see [`remember`](PastCalls::remember).
    in_order: VecDeque<(u64, Key)>,
    count: usize,
    newest: u64,
}

impl PastCalls {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn has(&self, file: FileId, fd: Fd) -> bool {
        self.by_key.contains_key(&(file, fd))
    }

    /// The calls on a file's fd, oldest first.
    pub(crate) fn of(&self, file: FileId, fd: Fd) -> impl Iterator<Item = &PastCall> {
        let past = self.by_key.get(&(file, fd)).into_iter().flatten();
        past.map(|(_, past)| past)
    }

    pub(crate) fn of_mut(&mut self, file: FileId, fd: Fd) -> impl Iterator<Item = &mut PastCall> {
        let past = self.by_key.get_mut(&(file, fd)).into_iter().flatten();
        past.map(|(_, past)| past)
    }

    pub(crate) fn sync_events(&self) -> impl Iterator<Item = SyncEvent> {
        let all = self.by_key.values().flatten();
        all.map(|(_, past)| past.event)
    }

    /// Remembers a call. It replaces the same process's older call on the fd and, if there are too many, the oldest of
    /// all.
    pub(crate) fn remember(&mut self, past: PastCall) {
        let key = (past.file, past.fd);
        self.forget(past.file, past.fd, past.process);
        while self.count >= MAX_PAST
            && let Some((serial, key)) = self.in_order.pop_front()
        {
            self.drop_if(key, |(of, _)| *of == serial);
        }
        // `forget` leaves its entries here; they must not pile up.
        if self.in_order.len() >= 2 * MAX_PAST {
            let by_key = &self.by_key;
            self.in_order.retain(|(serial, key)| {
                let past = by_key.get(key);
                past.is_some_and(|past| past.iter().any(|(of, _)| of == serial))
            });
        }
        self.newest += 1;
        self.in_order.push_back((self.newest, key));
        let of_key = self.by_key.entry(key).or_default();
        of_key.push((self.newest, past));
        self.count += 1;
    }

    /// Forgets a process's call on a file's fd.
    pub(crate) fn forget(&mut self, file: FileId, fd: Fd, process: u32) {
        self.drop_if((file, fd), |(_, past)| past.process == process);
    }

    fn drop_if(&mut self, key: Key, drop_fn: impl Fn(&(u64, PastCall)) -> bool) {
        let Some(past) = self.by_key.get_mut(&key) else {
            return;
        };
        let before = past.len();
        past.retain(|past| !drop_fn(past));
        self.count -= before - past.len();
        if past.is_empty() {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PAST, PastCall, PastCalls};
    use crate::state::happens_before::HappensBefore;
    use crate::state::world_set::WorldSet;
    use eventpoll::{Fd, FileId, Kernel, Opaque, Pid};

    fn files(count: i32) -> Vec<FileId> {
        let mut kernel = Kernel::new(eventpoll::Policy::LAST_FPUT);
        let tid = kernel.spawn(Pid(1));
        let fds = (3..).take(count as usize).map(Fd);
        let made = fds.map(|fd| {
            kernel.assume_fd(tid, fd, Opaque::Pollable);
            kernel.fd(tid, fd).expect("it was made just now")
        });
        made.collect()
    }

    pub(crate) fn remember(calls: &mut PastCalls, file: FileId, fd: i32, process: u32) {
        let event = HappensBefore::default().record(process, |_| {});
        calls.remember(PastCall {
            file,
            born: None,
            fd: Fd(fd),
            process,
            worlds: WorldSet::all(),
            event: event.expect("the first is free"),
            site: None,
        });
    }

    #[test]
    fn a_process_is_remembered_once_for_a_number() {
        let (file, mut calls) = (files(1)[0], PastCalls::default());
        for process in [1, 2, 1] {
            remember(&mut calls, file, 3, process);
        }
        let of_key: Vec<u32> = calls.of(file, Fd(3)).map(|past| past.process).collect();
        assert_eq!(of_key, [2, 1]);
        calls.forget(file, Fd(3), 2);
        calls.forget(file, Fd(3), 1);
        assert!(calls.is_empty() && !calls.has(file, Fd(3)));
    }

    #[test]
    fn the_oldest_are_forgotten_and_nothing_piles_up() {
        let (files, mut calls) = (files(2), PastCalls::default());
        for round in 0..3 * MAX_PAST {
            remember(&mut calls, files[0], round as i32, 1);
            remember(&mut calls, files[1], 3, 1);
        }
        assert_eq!(calls.count, MAX_PAST);
        assert!(calls.in_order.len() <= 2 * MAX_PAST);
        assert!(calls.has(files[1], Fd(3)) && !calls.has(files[0], Fd(3)));
        assert_eq!(calls.sync_events().count(), MAX_PAST);
    }
}
