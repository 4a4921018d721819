//! What is remembered of instances that several processes have, until a suspicion is decided.

use super::by_table::ByTable;
use super::steps::add_frame;
use crate::verdict::{Finding, Instance, Step};
use eventpoll::{EpitemId, EpollId, Fd, TableId};
use rustc_hash::{FxHashMap, FxHashSet};

/// What has to be remembered until it proves harmful.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    /// Which tables have waited on which instance.
    pub(crate) waited: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// Numbers that named an instance and were closed.
    pub(crate) dead: ByTable<Dead>,
    pub(crate) newest_dead: Option<(TableId, Fd)>,
    /// Instances that came through an exec and were not used since.
    pub(crate) leaks: Vec<Leak>,
    /// Watched numbers closed while another thread waits.
    pub(crate) races: Vec<Race>,
    /// Reports of another process's registration, until its owner is seen to wait too.
    pub(crate) thefts: FxHashMap<(EpollId, TableId, TableId), Finding>,
    pub(crate) newest_theft: Option<(EpollId, TableId, TableId)>,
    /// Signalfds by the instance they are registered in, with their owner.
    pub(crate) signalfds: FxHashMap<EpollId, Vec<EpitemId>>,
    pub(crate) told_deaf: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// The fork that made a table.
    pub(crate) copies: FxHashMap<TableId, Step>,
    /// Numbers that were made by dup: what a program that compares files does.
    pub(crate) duplicates: ByTable<()>,
    /// What another process removed, with its owner and the place of its finding.
    pub(crate) removed: FxHashMap<(EpollId, Fd), (TableId, usize)>,
    /// Processes that were told of such a removal, and the finding.
    pub(crate) hurt: FxHashMap<u32, usize>,
    /// Numbers that a call was refused for, because they are closed.
    pub(crate) refused: ByTable<Step>,
}

impl Sharing {
    /// A frame of the stack under a call that is remembered here.
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
        if let Some(finding) = self.newest_theft.and_then(|key| self.thefts.get_mut(&key)) {
            add_frame(&mut finding.story, line, frame);
        }
    }
}

/// A number that named an instance.
#[derive(Debug, Clone)]
pub(crate) struct Dead {
    pub(crate) closed: Step,
    pub(crate) instance: Option<Instance>,
    /// Another file got the number.
    pub(crate) reused: Option<Step>,
}

impl Dead {
    pub(crate) fn instance(&self, pid: u32, fd: Fd) -> Instance {
        let unknown = Instance {
            pid,
            fd: fd.0,
            line: None,
        };
        self.instance.clone().unwrap_or(unknown)
    }
}

#[derive(Debug)]
pub(crate) struct Leak {
    pub(crate) table: TableId,
    pub(crate) fd: Fd,
    pub(crate) finding: Finding,
}

#[derive(Debug)]
pub(crate) struct Race {
    pub(crate) table: TableId,
    pub(crate) fd: Fd,
    pub(crate) waiter: u32,
    pub(crate) wait_line: u64,
    pub(crate) epoll: EpollId,
    /// What the registration's events carried.
    pub(crate) data: u64,
    pub(crate) steps: Vec<Step>,
}

impl Sharing {
    /// True if a number of a table was made by dup there.
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
