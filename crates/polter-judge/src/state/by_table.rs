//! A value for single fds of descriptor tables, kept as long as the table lives.

use eventpoll::{Fd, TableId};
use rustc_hash::FxHashMap;

/// A value for each of some fds, with a limit on all of them together.
#[derive(Debug)]
pub(crate) struct ByTable<T> {
    tables: FxHashMap<TableId, Vec<(Fd, T)>>,
    count: usize,
}

impl<T> Default for ByTable<T> {
    fn default() -> ByTable<T> {
        ByTable {
            tables: FxHashMap::default(),
            count: 0,
        }
    }
}

impl<T> ByTable<T> {
    pub(crate) fn get(&self, table: TableId, fd: Fd) -> Option<&T> {
        let fds = self.tables.get(&table)?;
        let known = fds.iter().find(|(other, _)| *other == fd);
        known.map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, table: TableId, fd: Fd) -> Option<&mut T> {
        let fds = self.tables.get_mut(&table)?;
        let known = fds.iter_mut().find(|(other, _)| *other == fd);
        known.map(|(_, value)| value)
    }

    /// Sets the value of an fd. If the fd has none yet and there are `limit` values, it is left out.
    pub(crate) fn insert(&mut self, table: TableId, fd: Fd, value: T, limit: usize) {
        if let Some(known) = self.get_mut(table, fd) {
            *known = value;
        } else if self.count < limit {
            // Most tables have one such fd.
            let fds = self.tables.entry(table);
            let fds = fds.or_insert_with(|| Vec::with_capacity(1));
            fds.push((fd, value));
            self.count += 1;
        }
    }

    /// Forgets the value of an fd.
    pub(crate) fn remove(&mut self, table: TableId, fd: Fd) {
        if self.count == 0 {
            return;
        }
        let Some(fds) = self.tables.get_mut(&table) else {
            return;
        };
        let before = fds.len();
        fds.retain(|(other, _)| *other != fd);
        self.count -= before - fds.len();
        if fds.is_empty() {
            self.tables.remove(&table);
        }
    }

    /// A table is gone. Its values must go too: another table may get its id.
    pub(crate) fn forget_table(&mut self, table: TableId) {
        let fds = self.tables.remove(&table);
        self.count -= fds.map_or(0, |fds| fds.len());
    }
}
