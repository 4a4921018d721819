//! Who has a file, and who uses a table.

use crate::judge::Judge;
use crate::verdict::KeptBy;
use eventpoll::{FileId, Holder, TableId};

/// Who has a file.
pub(super) fn holders(judge: &Judge, file: FileId) -> Vec<KeptBy> {
    let base = judge.worlds.base();
    let all = base.holders(file);
    let nameless = (base.references(file) as usize).saturating_sub(all.len());
    let mut found: Vec<KeptBy> = all
        .into_iter()
        .map(|holder| match holder {
            Holder::Slot { table, fd } => KeptBy::Fd {
                pid: users(judge, table).first().copied().unwrap_or(0),
                fd: fd.0,
            },
            Holder::InFlight => KeptBy::InFlight,
            Holder::Ring => KeptBy::Ring,
            Holder::Call => KeptBy::Unknown,
        })
        .collect();
    if nameless > 0 {
        let is_sent = judge.in_flight.iter().any(|message| {
            let held = message.files.iter();
            held.filter_map(|files| files.first())
                .any(|held| *held == Some(file))
        });
        found.push(if is_sent {
            KeptBy::InFlight
        } else {
            KeptBy::Ring
        });
    }
    found.sort();
    found.dedup();
    found
}

/// The processes that use a table.
pub(super) fn users(judge: &Judge, table: TableId) -> Vec<u32> {
    let tasks = judge.worlds.base().tasks();
    let users = tasks.filter(|(_, view)| view.table == table);
    let mut pids: Vec<u32> = users
        .map(|(_, view)| judge.tasks.shown(view.process))
        .collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}
