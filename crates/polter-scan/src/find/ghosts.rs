//! Registrations whose number does not name their file.

use std::collections::BTreeSet;

use crate::finding::{Class, Finding};
use crate::snapshot::{Meaning, Registration};

use super::{Case, processes};

/// Finds ghosts, numbers with two registrations, and entries only some can name.
pub(super) fn find(case: &Case<'_>, keep_fn: &mut impl FnMut(Finding)) {
    let twice = registered_twice(case);
    for registration in &case.instance.registrations {
        if registration.is_ghost() {
            keep_fn(ghost(case, registration));
            if twice.contains(&registration.fd) {
                keep_fn(number_reuse(case, registration));
            }
        } else if let Some(finding) = foreign_entry(case, registration) {
            keep_fn(finding);
        }
    }
}

/// The numbers with more than one registration.
fn registered_twice(case: &Case<'_>) -> BTreeSet<i32> {
    let registrations = case.instance.registrations.iter();
    let others = registrations.filter(|registration| registration.nth > 0);
    others.map(|registration| registration.fd).collect()
}

fn ghost(case: &Case<'_>, registration: &Registration) -> Finding {
    let class = class(case, registration);
    let tables = registration.tables.iter().map(|table| table.pid);
    let pid = case.eldest(tables);
    let fd = registration.fd;
    let now = if registration.is_somewhere(Meaning::Other) {
        "names another file"
    } else {
        "is closed"
    };
    let answers = if registration.is_somewhere(Meaning::Other) {
        "ENOENT, or hits that other file"
    } else {
        "EBADF"
    };
    let whose = if registration.tables.len() > 1 {
        " in every process that holds the instance"
    } else {
        ""
    };
    let keeper = match class {
        Class::DupGhost => "a duplicate keeps the file",
        Class::ForkGhost => "a forked process keeps the file",
        Class::HandedOverGhost => "the process the file came from keeps it",
        _ => {
            "the file lives on where no process in sight has it open: in a message, in an io_uring, or not visible"
        }
    };
    let summary = format!(
        "{fd} {now}{whose}, and {keeper}: its events are still reported, DEL answers {answers}."
    );
    let fix = match class {
        Class::InFlightGhost => format!(
            "EPOLL_CTL_DEL before the close of {fd}; now: have the message received or its socket closed, or make the instance anew"
        ),
        Class::DupGhost | Class::ForkGhost | Class::HandedOverGhost
            if case.instance.pids().contains(&pid) =>
        {
            format!("EPOLL_CTL_DEL before the close of {fd}; now: polter exorcise {pid} --fd {fd}")
        }
        _ => format!("EPOLL_CTL_DEL before the close of {fd}"),
    };
    case.about(registration, class, pid, summary, fix)
}

/// By the nearest of those who keep the file.
fn class(case: &Case<'_>, registration: &Registration) -> Class {
    let owners = case.instance.pids();
    let held_by = || registration.held_by.iter().map(|held| held.pid);
    let is_descendant = |held: u32, owner: u32| case.snapshot.is_descendant(held, owner);
    if held_by().any(|held| owners.contains(&held)) {
        Class::DupGhost
    } else if held_by().any(|held| owners.iter().any(|owner| is_descendant(held, *owner))) {
        Class::ForkGhost
    } else if registration.held_by.is_empty() {
        Class::InFlightGhost
    } else {
        Class::HandedOverGhost
    }
}

fn number_reuse(case: &Case<'_>, ghost: &Registration) -> Finding {
    let pid = case.eldest(ghost.tables.iter().map(|table| table.pid));
    let fd = ghost.fd;
    let summary = format!(
        "{fd} is registered twice, for the file it names now and for one it named before: \
         the old file's events cannot be told from the new one's."
    );
    let fix = format!(
        "EPOLL_CTL_DEL before the close of {fd}, and a generation beside the number in the event's data"
    );
    case.about(ghost, Class::NumberReuse, pid, summary, fix)
}

/// A number that names its file for some holders, and not for one that is older.
///
/// A younger holder without the file is a child that has closed its copies, which
/// is as it should be but for the instance.
fn foreign_entry(case: &Case<'_>, registration: &Registration) -> Option<Finding> {
    let with_meaning = |is_same: bool| {
        let tables = registration.tables.iter();
        let chosen = tables.filter(move |table| match table.meaning {
            Meaning::Same => is_same,
            Meaning::Closed | Meaning::Other => !is_same,
            Meaning::Unknown => false,
        });
        chosen.map(|table| table.pid).collect::<Vec<u32>>()
    };
    let (with, without) = (with_meaning(true), with_meaning(false));
    let is_elder = |pid: &u32| {
        with.iter()
            .all(|younger| case.snapshot.is_descendant(*younger, *pid))
    };
    let elders: Vec<u32> = without.into_iter().filter(is_elder).collect();
    if with.is_empty() || elders.is_empty() {
        return None;
    }
    let fd = registration.fd;
    let (with, pid) = (processes(&with), case.eldest(elders.iter().copied()));
    let summary = format!(
        "{fd} names its file in {with}, not in {}, where its events may be reported too: either {with} \
         added it to the shared instance, or {pid} did and closed it without DEL. A recording tells.",
        processes(&elders)
    );
    let fix = format!("an instance of its own for each process; now: EPOLL_CTL_DEL {fd} in {with}");
    Some(case.about(registration, Class::ForeignEntry, pid, summary, fix))
}
