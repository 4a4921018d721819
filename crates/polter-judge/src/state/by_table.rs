//! A value for single fds of descriptor tables, kept as long as the table lives.

use eventpoll::{Fd, TableId};
use rustc_hash::FxHashMap;

/// Something for each of some numbers, so many in all.
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
        let numbers = self.tables.get(&table)?;
        let known = numbers.iter().find(|(number, _)| *number == fd);
        known.map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, table: TableId, fd: Fd) -> Option<&mut T> {
        let numbers = self.tables.get_mut(&table)?;
        let known = numbers.iter_mut().find(|(number, _)| *number == fd);
        known.map(|(_, value)| value)
    }

    /// Remembers something instead of what was known; not if there are `limit` already.
    pub(crate) fn insert(&mut self, table: TableId, fd: Fd, value: T, limit: usize) {
        if let Some(known) = self.get_mut(table, fd) {
            *known = value;
        } else if self.count < limit {
            // Most tables have one such number.
            let numbers = self.tables.entry(table);
            let numbers = numbers.or_insert_with(|| Vec::with_capacity(1));
            numbers.push((fd, value));
            self.count += 1;
        }
    }

    pub(crate) fn remove(&mut self, table: TableId, fd: Fd) {
        if self.count == 0 {
            return;
        }
        let Some(numbers) = self.tables.get_mut(&table) else {
            return;
        };
        let before = numbers.len();
        numbers.retain(|(number, _)| *number != fd);
        self.count -= before - numbers.len();
        if numbers.is_empty() {
            self.tables.remove(&table);
        }
    }

    /// A table is gone: another may get its id.
    pub(crate) fn forget_table(&mut self, table: TableId) {
        let numbers = self.tables.remove(&table);
        self.count -= numbers.map_or(0, |numbers| numbers.len());
    }
}
