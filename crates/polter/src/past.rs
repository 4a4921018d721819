//! The processes before a log began: a captured tree, in the judge's terms.

use std::path::Path;

use polter_judge::{Past, PastInstance, PastName, PastProcess, PastRegistration};
use polter_scan::{Choice, Instance, Limits, Meaning, Proc, Registration, Scope, Snapshot};

use crate::failure::Failure;

/// Reads a tree that `polter capture` wrote.
pub(crate) fn read(dir: &Path) -> Result<Past, Failure> {
    let proc = Proc::captured(dir);
    let snapshot = Snapshot::take_by(&proc, &Scope::All, Choice::Proc, &Limits::default())?;
    Ok(of(&proc, &snapshot))
}

/// A snapshot of processes.
pub(crate) fn of(proc: &Proc, snapshot: &Snapshot) -> Past {
    let processes = snapshot.processes.values().map(|process| {
        let threads = proc.threads(process.pid).unwrap_or_default();
        PastProcess {
            pid: process.pid,
            threads: threads
                .into_iter()
                .filter(|thread| *thread != process.pid)
                .collect(),
            open: process.open.iter().map(|open| open.fd).collect(),
        }
    });
    Past {
        processes: processes.collect(),
        instances: snapshot.instances.iter().map(instance).collect(),
    }
}

fn instance(instance: &Instance) -> PastInstance {
    let names = instance.names.iter().map(|name| PastName {
        pid: name.pid,
        fd: name.fd,
        is_cloexec: name.is_cloexec,
    });
    PastInstance {
        names: names.collect(),
        registrations: instance.registrations.iter().map(registration).collect(),
    }
}

fn registration(registration: &Registration) -> PastRegistration {
    // An unknown meaning counts as the file itself: most registrations are live.
    let is_named = |meaning| matches!(meaning, Meaning::Same | Meaning::Unknown);
    let tables = registration.tables.iter();
    let named = tables.filter(|table| is_named(table.meaning));
    PastRegistration {
        fd: registration.fd,
        data: registration.data,
        named_in: named.map(|table| table.pid).collect(),
        held_by: registration
            .held_by
            .iter()
            .map(|held| (held.pid, held.fd))
            .collect(),
    }
}
