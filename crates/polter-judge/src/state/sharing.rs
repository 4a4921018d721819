//! What is remembered of instances that several processes have, until a suspicion is decided.

use super::by_table::ByTable;
use super::steps::add_frame;
use crate::verdict::{Finding, Instance, Step};
use eventpoll::{EpitemId, EpollId, Fd, TableId};
use rustc_hash::{FxHashMap, FxHashSet};

/// Suspicions that wait for proof, and what the proof needs.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    /// Which tables have waited on which instance.
    pub(crate) waited: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// Fds that named an instance and were closed.
    pub(crate) dead: ByTable<Dead>,
    pub(crate) newest_dead: Option<(TableId, Fd)>,
    /// Instances that came through an exec and were not used since.
    pub(crate) leaks: Vec<Leak>,
    /// Registered fds that were closed while another thread waits.
    pub(crate) races: Vec<Race>,
    /// Reports of another process's registration, by instance, owner and reader. Whether it is a theft is known once the
    /// owner waits: if it never does, it left the loop to the reader.
    pub(crate) thefts: FxHashMap<(EpollId, TableId, TableId), Theft>,
    pub(crate) newest_theft: Option<(EpollId, TableId, TableId)>,
    /// The registrations of signalfds, by instance.
    pub(crate) signalfds: FxHashMap<EpollId, Vec<EpitemId>>,
    pub(crate) told_deaf: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// The fork that made a table.
    pub(crate) copies: FxHashMap<TableId, Step>,
    /// Fds that were made by dup: a program that compares files makes one and registers it.
    pub(crate) duplicates: ByTable<()>,
    /// What another process removed, with its owner and the index of its finding.
    pub(crate) removed: FxHashMap<(EpollId, Fd), (TableId, usize)>,
    /// Processes in which a call failed because of such a removal, and the index of its finding.
    pub(crate) hurt: FxHashMap<u32, usize>,
    /// Fds that a call was refused for, because they are closed.
    pub(crate) refused: ByTable<Step>,
}

impl Sharing {
    /// Adds a stack frame (`strace -k`) to the newest of each kind, if it kept this line's call.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        if let Some(leak) = self.leaks.last_mut() {
            add_frame(&mut leak.finding.story, line, frame);
        }
        if let Some(race) = self.races.last_mut() {
            add_frame(&mut race.steps, line, frame);
        }
        if let Some(step) = self
            .newest_dead
            .and_then(|(table, fd)| self.dead.get_mut(table, fd))
        {
            add_frame(std::slice::from_mut(&mut step.closed), line, frame);
        }
        if let Some(Theft::Suspected(finding)) =
            self.newest_theft.and_then(|key| self.thefts.get_mut(&key))
        {
            add_frame(&mut finding.story, line, frame);
        }
    }
}

/// An fd that named an instance and was closed.
#[derive(Debug, Clone)]
pub(crate) struct Dead {
    pub(crate) closed: Step,
    pub(crate) instance: Option<Instance>,
    /// Set when another file got the fd.
    pub(crate) reused: Option<Step>,
}

impl Dead {
    /// The instance, or what is known of it if it was older than the log.
    pub(crate) fn instance(&self, pid: u32, fd: Fd) -> Instance {
        let unknown = Instance {
            pid,
            fd: fd.0,
            line: None,
        };
        self.instance.clone().unwrap_or(unknown)
    }
}

/// A report of another process's registration.
#[derive(Debug)]
pub(crate) enum Theft {
    /// It is a theft if the owner waits for its own events.
    Suspected(Box<Finding>),
    /// It is a finding already.
    Found,
}

/// An instance that came through an exec, with the finding that it becomes if it is never used.
#[derive(Debug)]
pub(crate) struct Leak {
    pub(crate) table: TableId,
    pub(crate) fd: Fd,
    pub(crate) finding: Finding,
    /// The time of the exec, as the judge counts time.
    pub(crate) since: u64,
    /// The index of the suspicion that was told.
    pub(crate) suspicion: Option<usize>,
}

/// A registered fd that was closed while another thread waits: a fault if the fd is given out before the wait ends.
#[derive(Debug)]
pub(crate) struct Race {
    pub(crate) table: TableId,
    pub(crate) fd: Fd,
    pub(crate) waiter: u32,
    pub(crate) wait_line: u64,
    pub(crate) epoll: EpollId,
    /// The data of the registration's events.
    pub(crate) data: u64,
    pub(crate) steps: Vec<Step>,
}

impl Sharing {
    /// True if an fd of a table was made by dup there.
    pub(crate) fn is_duplicate(&self, table: TableId, fd: Fd) -> bool {
        self.duplicates.get(table, fd).is_some()
    }
}

impl Sharing {
    /// The fork that made a table, if it was one.
    pub(crate) fn copied(&self, table: TableId) -> Option<&Step> {
        self.copies.get(&table)
    }
}
