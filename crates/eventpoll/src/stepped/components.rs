//! The components of a state, for whoever stores many states: each is copied and hashed by itself.
//!
//! ```text
//!   tables │ files │ kinds │ instances │ waits │ tasks │ ledger │ runner │ runner …
//! ```
//!
//! A component is a group of the kernel's private fields, so this stands here and not with a search's store. Each
//! knows whether it was written to since it was settled: a step writes to three or four of them, so a search
//! hashes and keeps those alone.

use super::{Ledger, Runner, Stepped};
use crate::Kernel;
use crate::epoll::{Epitem, Epoll};
use crate::fs::File;
use crate::fs::kinds::Pipe;
use crate::fs::kinds::Socket;
use crate::fs::kinds::{Buffer, Device};
use crate::fs::{FdTable, Slot};
use crate::store::Arena;
use crate::store::{
    BufferId, DeviceId, EpitemId, EpollId, Fd, FileId, Pid, PipeId, ProcessId, SighandId, SocketId,
    TableId, Tid,
};
use crate::store::{Tracked, Written};
use crate::task::Sighand;
use crate::task::{Numbered, Process, Task};
use crate::wait::Clock;
use crate::wait::WaitQueues;
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
const RUNNERS: usize = 7;

/// A copy of one component of some state.
#[derive(Debug)]
pub struct Component(Fields);

#[derive(Debug)]
enum Fields {
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
/// rest, so it is not hashed.
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

impl Component {
    /// The bytes it takes, near enough to bound a search by.
    pub fn weight(&self) -> usize {
        let allocated = match &self.0 {
            Fields::Tables(part) => {
                let numbers = part.tables.iter().map(|(_, table)| table.capacity());
                part.weight() + numbers.sum::<usize>() * size_of::<Option<Slot>>()
            }
            Fields::Files(part) => part.weight(),
            Fields::Kinds(part) => part.weight(),
            Fields::Instances(part) => {
                let entry = size_of::<((FileId, Fd), EpitemId)>();
                part.weight() + part.keys.capacity() * entry
            }
            Fields::Waits(part) => part.weight(),
            Fields::Tasks(part) => {
                let entry = size_of::<(Pid, Numbered)>();
                part.weight() + part.pids.len() * entry
            }
            Fields::Ledger(_) => size_of::<Ledger>(),
            Fields::Runner(_) => 0,
        };
        size_of::<Component>() + allocated
    }
}

impl Stepped {
    /// How many components of a state belong to all tasks; behind them comes one for each task.
    pub const SHARED_COMPONENTS: usize = RUNNERS;

    /// The most components a state can have.
    pub const MAX_COMPONENTS: usize = RUNNERS + Stepped::MAX_TASKS;

    /// How many components this state has.
    pub fn components(&self) -> usize {
        RUNNERS + self.runners.len()
    }

    /// The components that may have been written to since they were settled, a bit each.
    #[inline]
    pub fn written_components(&self) -> u32 {
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

    /// Hashes a component. Equal components at one place hash alike, in every state.
    #[inline]
    pub fn hash_component(&self, place: usize, state: &mut impl Hasher) {
        let kernel = &self.kernel;
        match place {
            TABLES => Tables::hash(kernel, state),
            FILES => Files::hash(kernel, state),
            KINDS => Kinds::hash(kernel, state),
            INSTANCES => Instances::hash(kernel, state),
            WAITS => Waits::hash(kernel, state),
            TASKS => Tasks::hash(kernel, state),
            LEDGER => self.ledger.hash(state),
            _ => self.runners.component(place - RUNNERS).hash(state),
        }
    }

    /// A copy of a component.
    pub fn component(&self, place: usize) -> Component {
        let kernel = &self.kernel;
        Component(match place {
            TABLES => Fields::Tables(Tables::of(kernel)),
            FILES => Fields::Files(Files::of(kernel)),
            KINDS => Fields::Kinds(Box::new(Kinds::of(kernel))),
            INSTANCES => Fields::Instances(Box::new(Instances::of(kernel))),
            WAITS => Fields::Waits(Waits::of(kernel)),
            TASKS => Fields::Tasks(Box::new(Tasks::of(kernel))),
            LEDGER => Fields::Ledger(Box::new((*self.ledger).clone())),
            _ => Fields::Runner((**self.runners.component(place - RUNNERS)).clone()),
        })
    }

    /// True for the component of a task that takes no further step, whatever the others do.
    pub fn is_component_finished(&self, place: usize) -> bool {
        let task = place.checked_sub(RUNNERS);
        task.is_some_and(|task| self.is_through(self.runners.component(task), task))
    }

    /// Puts a component in its place, in the memory that is there, and settles it.
    pub fn put_component(&mut self, place: usize, component: &Component) {
        let kernel = &mut self.kernel;
        match &component.0 {
            Fields::Tables(tables) => tables.put(kernel),
            Fields::Files(files) => files.put(kernel),
            Fields::Kinds(kinds) => kinds.put(kernel),
            Fields::Instances(instances) => instances.put(kernel),
            Fields::Waits(waits) => waits.put(kernel),
            Fields::Tasks(tasks) => tasks.put(kernel),
            Fields::Ledger(ledger) => self.ledger.put(ledger),
            Fields::Runner(runner) => self.runners.component_mut(place - RUNNERS).put(runner),
        }
    }

    /// From here on, a component counts as not written to.
    pub fn settle_component(&mut self, place: usize) {
        let kernel = &mut self.kernel;
        match place {
            TABLES => Tables::settle(kernel),
            FILES => Files::settle(kernel),
            KINDS => Kinds::settle(kernel),
            INSTANCES => Instances::settle(kernel),
            WAITS => Waits::settle(kernel),
            TASKS => Tasks::settle(kernel),
            LEDGER => self.ledger.settle(),
            _ => self.runners.component_mut(place - RUNNERS).settle(),
        }
    }

    /// From here on, no task counts as looked at.
    #[inline]
    pub fn forget_looks(&mut self) {
        self.runners.look_away();
    }

    /// True if a step has looked at another task than this one since [`forget_looks`](Stepped::forget_looks):
    /// what it did then does not follow from the shared components and its own task alone.
    #[inline]
    pub fn has_looked_at_others(&self, task: usize) -> bool {
        self.runners.has_seen_others(task)
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
    pub fn drop_deferred(&mut self) {
        let kernel = &mut self.kernel;
        kernel.deferred.wakes.clear();
        kernel.deferred.releases.clear();
        kernel.deferred.sighands.clear();
        kernel.task_work.clear();
        kernel.woken.clear();
        kernel.signalled.clear();
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
