//! What a state is made of: parts that are copied, and known again, each by itself.
//!
//! ```text
//!   tables │ files │ kinds │ instances │ waits │ tasks │ ledger │ runner │ runner …
//! ```
//!
//! Each part knows whether it was written to. A step writes to three or four.

use super::folding::Folding;
use super::{Ledger, Runner, Stepped};
use crate::Kernel;
use crate::arena::Arena;
use crate::clock::Clock;
use crate::device::{Buffer, Device};
use crate::epoll::{Epitem, Epoll};
use crate::fd_table::{FdTable, Slot};
use crate::file::File;
use crate::ids::{
    BufferId, DeviceId, EpitemId, EpollId, Fd, FileId, Pid, PipeId, ProcessId, SighandId, SocketId,
    TableId, Tid,
};
use crate::pipe::Pipe;
use crate::process::{Numbered, Process, Task};
use crate::signal::Sighand;
use crate::unix::Socket;
use crate::wait_queue::WaitQueues;
use crate::written::{Tracked, Written};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// The places of the parts; a runner's is behind them, by its number.
const TABLES: usize = 0;
const FILES: usize = 1;
const KINDS: usize = 2;
const INSTANCES: usize = 3;
const WAITS: usize = 4;
const TASKS: usize = 5;
const LEDGER: usize = 6;
pub(super) const RUNNERS: usize = 7;

/// The most parts a state can have.
pub(super) const MAX_PARTS: usize = RUNNERS + Stepped::MAX_TASKS;

/// One part of some state.
#[derive(Debug)]
pub(super) enum Part {
    Tables(Tables),
    Files(Files),
    Kinds(Box<Kinds>),
    Instances(Box<Instances>),
    Waits(Waits),
    Tasks(Box<Tasks>),
    Ledger(Box<Ledger>),
    Runner(Runner),
}

/// Some fields of a kernel that change together. An index follows from the
/// rest, and is not hashed.
macro_rules! group {
    ($name:ident { $($field:ident: $type:ty,)* } $(index { $index:ident: $index_type:ty })?) => {
        #[derive(Debug)]
        pub(super) struct $name {
            $($field: $type,)*
            $($index: $index_type,)?
        }

        impl $name {
            #[inline]
            fn is_written(kernel: &Kernel) -> bool {
                $(kernel.$field.is_written())||* $(|| kernel.$index.is_written())?
            }

            fn of(kernel: &Kernel) -> $name {
                $name {
                    $($field: kernel.$field.clone(),)*
                    $($index: kernel.$index.clone(),)?
                }
            }

            fn put(&self, kernel: &mut Kernel) {
                $(kernel.$field.renew(&self.$field);)*
                $(kernel.$index.renew(&self.$index);)?
            }

            fn settle(kernel: &mut Kernel) {
                $(kernel.$field.settle();)*
                $(kernel.$index.settle();)?
            }

            fn weight(&self) -> usize {
                0 $(+ self.$field.weight())* $(+ self.$index.weight())?
            }

            #[inline]
            fn hash(kernel: &Kernel, state: &mut impl Hasher) {
                $(kernel.$field.hash(state);)*
            }
        }
    };
}

group! {
    Tables {
        tables: Arena<TableId, FdTable>,
    }
}

group! {
    Files {
        files: Arena<FileId, File>,
    }
}

group! {
    Kinds {
        pipes: Arena<PipeId, Pipe>,
        sockets: Arena<SocketId, Socket>,
        sockets_in_flight: Tracked<u32>,
        is_collection_due: Tracked<bool>,
        devices: Arena<DeviceId, Device>,
        buffers: Arena<BufferId, Buffer>,
    }
}

group! {
    Instances {
        epolls: Arena<EpollId, Epoll>,
        epitems: Arena<EpitemId, Epitem>,
    }
    index {
        keys: Tracked<FxHashMap<(FileId, Fd), EpitemId>>
    }
}

group! {
    Waits {
        waits: WaitQueues,
    }
}

group! {
    Tasks {
        tasks: Arena<Tid, Task>,
        processes: Arena<ProcessId, Process>,
        sighands: Arena<SighandId, Sighand>,
        pids: Tracked<BTreeMap<Pid, Numbered>>,
        next_pid: Tracked<i32>,
        clock: Tracked<Clock>,
    }
}

impl Part {
    /// Bytes it takes, near enough to bound a search by.
    pub(super) fn weight(&self) -> usize {
        let allocated = match self {
            Part::Tables(part) => {
                let numbers = part.tables.iter().map(|(_, table)| table.capacity());
                part.weight() + numbers.sum::<usize>() * size_of::<Option<Slot>>()
            }
            Part::Files(part) => part.weight(),
            Part::Kinds(part) => part.weight(),
            Part::Instances(part) => {
                let entry = size_of::<((FileId, Fd), EpitemId)>();
                part.weight() + part.keys.capacity() * entry
            }
            Part::Waits(part) => part.weight(),
            Part::Tasks(part) => {
                let entry = size_of::<(Pid, Numbered)>();
                part.weight() + part.pids.len() * entry
            }
            Part::Ledger(_) => size_of::<Ledger>(),
            Part::Runner(_) => 0,
        };
        size_of::<Part>() + allocated
    }
}

impl Stepped {
    /// How many parts this state has.
    pub(super) fn parts(&self) -> usize {
        RUNNERS + self.runners.len()
    }

    /// The parts that may have been written to, a bit each.
    #[inline]
    pub(super) fn written(&self) -> u32 {
        let kernel = &self.kernel;
        let groups = [
            Tables::is_written(kernel),
            Files::is_written(kernel),
            Kinds::is_written(kernel),
            Instances::is_written(kernel),
            Waits::is_written(kernel),
            Tasks::is_written(kernel),
            self.ledger.is_written(),
        ];
        let all = groups.into_iter().enumerate();
        let groups = all.fold(0, |bits, (place, is_written)| {
            bits | u32::from(is_written) << place
        });
        groups | self.runners.written() << RUNNERS
    }

    /// A number by which a part is known again at its place, among all parts.
    pub(super) fn digest(&self, place: usize) -> u64 {
        let (kernel, mut hasher) = (&self.kernel, Folding::new(place));
        match place {
            TABLES => Tables::hash(kernel, &mut hasher),
            FILES => Files::hash(kernel, &mut hasher),
            KINDS => Kinds::hash(kernel, &mut hasher),
            INSTANCES => Instances::hash(kernel, &mut hasher),
            WAITS => Waits::hash(kernel, &mut hasher),
            TASKS => Tasks::hash(kernel, &mut hasher),
            LEDGER => self.ledger.hash(&mut hasher),
            _ => self.runners.part(place - RUNNERS).hash(&mut hasher),
        }
        hasher.finish()
    }

    /// A copy of a part.
    pub(super) fn part(&self, place: usize) -> Part {
        let kernel = &self.kernel;
        match place {
            TABLES => Part::Tables(Tables::of(kernel)),
            FILES => Part::Files(Files::of(kernel)),
            KINDS => Part::Kinds(Box::new(Kinds::of(kernel))),
            INSTANCES => Part::Instances(Box::new(Instances::of(kernel))),
            WAITS => Part::Waits(Waits::of(kernel)),
            TASKS => Part::Tasks(Box::new(Tasks::of(kernel))),
            LEDGER => Part::Ledger(Box::new((*self.ledger).clone())),
            _ => Part::Runner((**self.runners.part(place - RUNNERS)).clone()),
        }
    }

    /// A part that is a task which takes no step any more.
    pub(super) fn part_is_through(&self, place: usize) -> bool {
        let task = place.checked_sub(RUNNERS);
        task.is_some_and(|task| self.is_through(self.runners.part(task), task))
    }

    /// Puts a part in its place, in the memory that is there.
    pub(super) fn put_part(&mut self, place: usize, part: &Part) {
        let kernel = &mut self.kernel;
        match part {
            Part::Tables(tables) => tables.put(kernel),
            Part::Files(files) => files.put(kernel),
            Part::Kinds(kinds) => kinds.put(kernel),
            Part::Instances(instances) => instances.put(kernel),
            Part::Waits(waits) => waits.put(kernel),
            Part::Tasks(tasks) => tasks.put(kernel),
            Part::Ledger(ledger) => self.ledger.put(ledger),
            Part::Runner(runner) => self.runners.part_mut(place - RUNNERS).put(runner),
        }
    }

    /// From here on a part was not written to.
    pub(super) fn settle(&mut self, place: usize) {
        let kernel = &mut self.kernel;
        match place {
            TABLES => Tables::settle(kernel),
            FILES => Files::settle(kernel),
            KINDS => Kinds::settle(kernel),
            INSTANCES => Instances::settle(kernel),
            WAITS => Waits::settle(kernel),
            TASKS => Tasks::settle(kernel),
            LEDGER => self.ledger.settle(),
            _ => self.runners.part_mut(place - RUNNERS).settle(),
        }
    }

    /// Becomes a copy of `original` again: it must have been made one by
    /// [`clone`](Clone::clone) or this, and `original` must still be as it was then.
    ///
    /// Only what was written to in between is copied.
    pub fn revert_to(&mut self, original: &Stepped) {
        self.kernel.revert_to(&original.kernel);
        self.runners.revert_to(&original.runners);
        self.ledger.revert_to(&original.ledger);
        self.story.clone_from(&original.story);
    }

    /// Forgets what a step that ended in a finding has left undone.
    pub(super) fn drop_deferred(&mut self) {
        let kernel = &mut self.kernel;
        kernel.deferred.wakes.clear();
        kernel.deferred.releases.clear();
        kernel.deferred.sighands.clear();
        kernel.task_work.clear();
        kernel.woken.clear();
        kernel.signalled.clear();
    }

    /// A number that is the same for equal states, and another one for others,
    /// up to an accident of one in 2⁶⁴ for each pair.
    pub fn fingerprint(&self) -> u64 {
        let digests = (0..self.parts()).map(|place| self.digest(place));
        digests.fold(0, u64::wrapping_add)
    }
}

impl Clone for Ledger {
    fn clone(&self) -> Ledger {
        let mut copy = Ledger::default();
        copy.clone_from(self);
        copy
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Ledger) {
        self.locks.clone_from(&other.locks);
        self.memory.clone_from(&other.memory);
        self.epoll_refs.clone_from(&other.epoll_refs);
        self.cleared.clone_from(&other.cleared);
        self.marked.clone_from(&other.marked);
        self.edges = other.edges;
    }
}

impl Clone for Runner {
    fn clone(&self) -> Runner {
        Runner {
            stack: self.stack.clone(),
            work: self.work.clone(),
            ..*self
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Runner) {
        self.stack.clone_from(&other.stack);
        self.work.clone_from(&other.work);
        (self.tid, self.next, self.rcu, self.ret, self.is_gone) =
            (other.tid, other.next, other.rcu, other.ret, other.is_gone);
    }
}
