//! From the rows of an fdinfo to registrations.

use smallvec::SmallVec;

use crate::proc::fdinfo::Row;
use crate::snapshot::{FileKey, Occurrences, Registration};

/// Each row, and which one it is of those of its fd.
pub(super) fn numbered<'a>(
    rows: impl Iterator<Item = &'a Row>,
) -> impl Iterator<Item = (&'a Row, u32)> {
    let mut occurrences = Occurrences::default();
    rows.map(move |row| (row, occurrences.next(row.tfd)))
}

/// The registration of a row, of which no table is known yet.
pub(super) fn registration(row: &Row, occurrence: u32) -> Registration {
    Registration {
        fd: row.tfd,
        occurrence,
        events: row.events,
        data: row.data,
        key: key(row),
        kind: None,
        tables: SmallVec::new(),
        held_by: Vec::new(),
        nameless: None,
        evidence: None,
    }
}

/// The inode of a row's file.
pub(super) fn key(row: &Row) -> Option<FileKey> {
    let ino = row.ino?;
    Some(FileKey { dev: row.sdev, ino })
}
