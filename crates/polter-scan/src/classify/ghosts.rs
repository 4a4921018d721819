//! Finds registrations whose fd does not name their file.

use std::collections::BTreeSet;

use super::case::{Case, processes};
use crate::evidence::{Split, Weighed};
use crate::finding::{Class, Finding};
use crate::snapshot::{Meaning, Registration, Sureness};

/// Finds ghosts, fds with two registrations, and registrations that only some holders can name.
pub(super) fn find(case: &Case<'_>, keep_fn: &mut impl FnMut(Finding)) {
    let twice = registered_twice(case);
    for registration in &case.instance.registrations {
        if registration.is_ghost() {
            keep_fn(ghost(case, registration));
            if twice.contains(&registration.fd) {
                keep_fn(number_reuse(case, registration));
            }
        } else if let Some(finding) = split(case, registration) {
            keep_fn(finding);
        }
    }
}

/// The fds with more than one registration.
fn registered_twice(case: &Case<'_>) -> BTreeSet<i32> {
    let registrations = case.instance.registrations.iter();
    let others = registrations.filter(|registration| registration.occurrence > 0);
    others.map(|registration| registration.fd).collect()
}

fn ghost(case: &Case<'_>, registration: &Registration) -> Finding {
    let class = class(case, registration);
    let tables = registration.tables.iter().map(|table| table.pid);
    let pid = case.eldest(tables);
    let fd = registration.fd;
    let (now, answers) = is_now(registration);
    let whose = if registration.tables.len() > 1 {
        " in every process that holds the instance"
    } else {
        ""
    };
    let keeper = match class {
        Class::DupGhost => "a duplicate keeps the file",
        Class::ForkGhost if case.is_kept_by_threads(registration) => {
            "a thread with a table of its own keeps the file"
        }
        Class::ForkGhost => "a forked process keeps the file",
        Class::HandedOverGhost => "the process the file came from keeps it",
        // The kernel walk has read every table, so this is certain.
        _ if registration.nameless.is_some_and(|count| count > 0) => {
            "no fd anywhere names the file: a message on its way, an io_uring, a mapping or a call keeps it"
        }
        _ => {
            "the file lives on where no process in sight has it open: in a message, in an io_uring, or not visible"
        }
    };
    let summary = format!(
        "{fd} {now}{whose}, and {keeper}: its events are still reported, DEL answers {answers}."
    );
    let fix = match class {
        _ if !case.is_live() => format!("EPOLL_CTL_DEL before the close of {fd}"),
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
    let finding = case.about(registration, class, pid, summary, fix);
    if case.instance.is_certain {
        return finding;
    }
    Finding {
        sureness: Sureness::Likely,
        reasons: vec!["who holds the instance is told by likeness alone".to_owned()],
        ..finding
    }
}

/// The class says who keeps the file; of several holders, the one nearest to the instance counts.
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

/// What the fd is where it does not name its file, and what DEL answers there.
fn is_now(registration: &Registration) -> (&'static str, &'static str) {
    if registration.is_somewhere(Meaning::Other) {
        ("names another file", "ENOENT, or hits that other file")
    } else {
        ("is closed", "EBADF")
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
        "EPOLL_CTL_DEL before the close of {fd}, and a generation beside the fd in the event's data"
    );
    case.about(ghost, Class::NumberReuse, pid, summary, fix)
}

/// A finding where the fd names its file for some holders, and not for an elder: the elder's ghost
/// if the evidence says so.
fn split(case: &Case<'_>, registration: &Registration) -> Option<Finding> {
    let split = registration.split(case.snapshot)?;
    let weighed = registration
        .evidence
        .as_ref()
        .map(|it| it.weigh(case.snapshot, case.instance, registration));
    let weighed = weighed.unwrap_or_else(|| Weighed {
        sureness: Sureness::Open,
        reasons: vec![
            "whether those who can name it wait on the instance was not looked at".to_owned(),
        ],
    });
    let pid = case.eldest(split.elders.iter().copied());
    let finding = match weighed.sureness {
        Sureness::Open => foreign_entry(case, registration, pid, &split),
        _ => fork_ghost(case, registration, pid, &split),
    };
    Some(Finding {
        sureness: weighed.sureness,
        reasons: weighed.reasons,
        ..finding
    })
}

fn fork_ghost(case: &Case<'_>, registration: &Registration, pid: u32, split: &Split) -> Finding {
    let fd = registration.fd;
    let (now, answers) = is_now(registration);
    let is_thread = |pid: &u32| case.process(*pid).is_some_and(|it| it.thread_of.is_some());
    let keeper = if split.namers.iter().all(is_thread) {
        "a thread with a table of its own has the file and the instance"
    } else {
        "a forked process has the file and the instance"
    };
    let summary = format!(
        "{fd} {now}, and {keeper}, and does not wait on it: its events are still reported, DEL answers {answers}."
    );
    let evidence = registration.evidence.as_ref();
    let is_spinning = evidence.is_some_and(|it| it.is_spinning(registration, pid));
    let likely = if is_spinning { "" } else { " --likely" };
    let fix = format!(
        "EPOLL_CTL_DEL before the close of {fd}; now: polter exorcise {pid} --fd {fd}{likely}"
    );
    case.about(registration, Class::ForkGhost, pid, summary, fix)
}

fn foreign_entry(case: &Case<'_>, registration: &Registration, pid: u32, split: &Split) -> Finding {
    let fd = registration.fd;
    let with = processes(&split.namers);
    let summary = format!(
        "{fd} names its file in {with}, not in {}, where its events may be reported too: it is live, \
         or a ghost of {pid}'s; a recording tells.",
        processes(&split.elders)
    );
    let mut fix =
        format!("an instance of its own for each process; now: EPOLL_CTL_DEL {fd} in {with}");
    if case.is_live() {
        fix += &format!(
            ", or polter exorcise {pid} --fd {fd} --in-table {pid}, and {with} loses it too"
        );
    } else {
        fix = "an instance of its own for each process".to_owned();
    }
    case.about(registration, Class::ForeignEntry, pid, summary, fix)
}
