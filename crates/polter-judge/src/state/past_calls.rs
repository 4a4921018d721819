//! DELs and closes that a later call of another process could have overtaken. The newest of each process and fd is
//! kept, up to a limit.

use super::happens_before::Mark;
use super::world_set::WorldSet;
use crate::verdict::Site;
use eventpoll::{Fd, FileId};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// How many are remembered at once.
pub(crate) const MAX_PAST: usize = 256;

/// What a call was about.
type Number = (FileId, Fd);

/// A DEL or a close that another call could have overtaken.
#[derive(Debug)]
pub(crate) struct PastCall {
    pub(crate) file: FileId,
    /// The line the file was made on: another file may get its id.
    pub(crate) born: Option<u64>,
    pub(crate) fd: Fd,
    pub(crate) process: u32,
    /// Where it matters.
    pub(crate) worlds: WorldSet,
    pub(crate) mark: Mark,
    pub(crate) site: Option<Site>,
}

/// Such calls, by what they were about.
#[derive(Debug, Default)]
pub(crate) struct PastCalls {
    by_number: FxHashMap<Number, Vec<(u64, PastCall)>>,
    /// Oldest first; some of them are gone.
    in_order: VecDeque<(u64, Number)>,
    count: usize,
    newest: u64,
}

impl PastCalls {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn has(&self, file: FileId, fd: Fd) -> bool {
        self.by_number.contains_key(&(file, fd))
    }

    /// Those about a number, oldest first.
    pub(crate) fn of(&self, file: FileId, fd: Fd) -> impl Iterator<Item = &PastCall> {
        let past = self.by_number.get(&(file, fd)).into_iter().flatten();
        past.map(|(_, past)| past)
    }

    pub(crate) fn of_mut(&mut self, file: FileId, fd: Fd) -> impl Iterator<Item = &mut PastCall> {
        let past = self.by_number.get_mut(&(file, fd)).into_iter().flatten();
        past.map(|(_, past)| past)
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        let all = self.by_number.values().flatten();
        all.map(|(_, past)| past.mark)
    }

    /// Remembers a call instead of the same process's older one, and of the oldest of all if there are too many.
    pub(crate) fn remember(&mut self, past: PastCall) {
        let number = (past.file, past.fd);
        self.forget(past.file, past.fd, past.process);
        while self.count >= MAX_PAST
            && let Some((serial, number)) = self.in_order.pop_front()
        {
            self.drop_if(number, |(of, _)| *of == serial);
        }
        // What was forgotten otherwise must not pile up here.
        if self.in_order.len() >= 2 * MAX_PAST {
            let by_number = &self.by_number;
            self.in_order.retain(|(serial, number)| {
                let past = by_number.get(number);
                past.is_some_and(|past| past.iter().any(|(of, _)| of == serial))
            });
        }
        self.newest += 1;
        self.in_order.push_back((self.newest, number));
        let of_number = self.by_number.entry(number).or_default();
        of_number.push((self.newest, past));
        self.count += 1;
    }

    /// Forgets what a process did to a number.
    pub(crate) fn forget(&mut self, file: FileId, fd: Fd, process: u32) {
        self.drop_if((file, fd), |(_, past)| past.process == process);
    }

    fn drop_if(&mut self, number: Number, drop_fn: impl Fn(&(u64, PastCall)) -> bool) {
        let Some(past) = self.by_number.get_mut(&number) else {
            return;
        };
        let before = past.len();
        past.retain(|past| !drop_fn(past));
        self.count -= before - past.len();
        if past.is_empty() {
            self.by_number.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PAST, PastCall, PastCalls};
    use crate::state::happens_before::Order;
    use crate::state::world_set::WorldSet;
    use eventpoll::{Fd, FileId, Kernel, Opaque, Pid};

    fn files(count: i32) -> Vec<FileId> {
        let mut kernel = Kernel::new(eventpoll::Policy::LAST_FPUT);
        let tid = kernel.spawn(Pid(1));
        let numbers = (3..).take(count as usize).map(Fd);
        let made = numbers.map(|fd| {
            kernel.assume_fd(tid, fd, Opaque::Pollable);
            kernel.fd(tid, fd).expect("it was made just now")
        });
        made.collect()
    }

    pub(crate) fn remember(calls: &mut PastCalls, file: FileId, fd: i32, process: u32) {
        let mark = Order::default().mark(process, |_| {});
        calls.remember(PastCall {
            file,
            born: None,
            fd: Fd(fd),
            process,
            worlds: WorldSet::all(),
            mark: mark.expect("the first is free"),
            site: None,
        });
    }

    #[test]
    fn a_process_is_remembered_once_for_a_number() {
        let (file, mut calls) = (files(1)[0], PastCalls::default());
        for process in [1, 2, 1] {
            remember(&mut calls, file, 3, process);
        }
        let of_number: Vec<u32> = calls.of(file, Fd(3)).map(|past| past.process).collect();
        assert_eq!(of_number, [2, 1]);
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
        assert_eq!(calls.marks().count(), MAX_PAST);
    }
}
