//! Which file a call was last made on, and how often each registration was reported since.

use crate::verdict::Step;
use eventpoll::{EpollId, FileId, TableId};
use rustc_hash::FxHashMap;

/// The line of a mapped file's newest call: it is heeded for ever, because no call shows when memory is read.
pub(crate) const ALWAYS: u64 = u64::MAX;

/// Which file a call was last made on, and what is known of registrations that the log does not show.
#[derive(Debug, Default)]
pub(crate) struct Heed {
    /// The line of the newest call on a file, by its slot.
    of_file: Vec<u64>,
    /// What the newest entry of `of_file` replaced.
    before: u64,
    /// The line of the newest call that may have taken what some file had, by table.
    pub(crate) taken: FxHashMap<TableId, u64>,
    /// The line of the newest call of anybody that may have made a file ready.
    pub(crate) put: u64,
    pub(crate) has_ring: bool,
    pub(crate) unknown: FxHashMap<(EpollId, u64), UnknownRegistration>,
}

/// A registration that the log does not show, known by the data of its events.
#[derive(Debug)]
pub(crate) struct UnknownRegistration {
    pub(crate) first: Step,
    pub(crate) total: u64,
    pub(crate) streak: Streak,
}

/// Reports of one registration without a call in between.
#[derive(Debug, Default)]
pub(crate) struct Streak {
    pub(crate) count: u64,
    /// The line of the newest report.
    pub(crate) line: u64,
    pub(crate) first: Option<Box<Step>>,
    /// The index of its finding.
    pub(crate) finding: Option<usize>,
}

impl Heed {
    pub(crate) fn has_ring(&self) -> bool {
        self.has_ring
    }

    /// A file is new. It may have the slot of one that is gone.
    pub(crate) fn begin_file(&mut self, file: FileId) {
        if let Some(line) = self.of_file.get_mut(file.slot()) {
            *line = 0;
        }
    }

    /// A call was made on a file.
    pub(crate) fn note_call(&mut self, file: FileId, line: u64) {
        let slot = file.slot();
        if slot >= self.of_file.len() {
            self.of_file.resize(slot + 1, 0);
        }
        self.before = self.of_file[slot];
        self.of_file[slot] = self.before.max(line);
    }

    /// The line of the newest call on a file; 0 if there was none.
    pub(crate) fn of_file(&self, file: FileId) -> u64 {
        self.of_file.get(file.slot()).copied().unwrap_or(0)
    }

    /// The line of the newest call on a file before this line's own.
    pub(crate) fn last_use(&self, file: FileId, line: u64) -> u64 {
        match self.of_file(file) {
            newest if newest == line => self.before,
            newest => newest,
        }
    }

    /// How often a registration that the log does not show was reported, and where first.
    pub(crate) fn unknown(&self, epoll: EpollId, data: u64) -> Option<(u64, &Step)> {
        let unknown = self.unknown.get(&(epoll, data))?;
        Some((unknown.total, &unknown.first))
    }

    /// A table is gone. Another may get its id.
    pub(crate) fn forget_table(&mut self, table: TableId) {
        self.taken.remove(&table);
    }

    /// A new instance has the id of one that is gone.
    pub(crate) fn forget_instance(&mut self, epoll: EpollId) {
        self.unknown.retain(|(of, _), _| *of != epoll);
    }

    pub(crate) fn forget_unknown(&mut self, epoll: EpollId, data: u64) {
        self.unknown.remove(&(epoll, data));
    }
}
