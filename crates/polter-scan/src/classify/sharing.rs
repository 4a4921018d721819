//! Finds instances in several processes' tables, and files registered under many fds.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::case::{Case, processes};
use crate::finding::{Class, Finding};
use crate::snapshot::{FileKey, Kind, Process, Registration};

/// This many registrations of one file in one instance are no accident. Two are common: one for
/// reading, one for writing.
const PILE: usize = 8;

/// Finds leaked and shared instances, deaf signalfds, and piles of duplicates.
pub(super) fn find(case: &Case<'_>, keep_fn: &mut impl FnMut(Finding)) {
    let pids = case.instance.pids();
    let leaked: Vec<u32> = pids
        .iter()
        .copied()
        .filter(|pid| is_leaked(case, *pid))
        .collect();
    leaked
        .iter()
        .for_each(|pid| keep_fn(leaked_epoll(case, *pid)));
    let sharers: Vec<u32> = pids
        .into_iter()
        .filter(|pid| !leaked.contains(pid))
        .collect();
    if sharers.len() > 1 {
        keep_fn(shared_epoll(case, &sharers));
        deaf_signalfds(case, &sharers).for_each(&mut *keep_fn);
    }
    dup_piles(case).into_iter().for_each(keep_fn);
}

/// True if a process has the instance from an ancestor, and has become another program since.
///
/// A snapshot does not say who made the instance, but an ancestor that holds it had it first.
fn is_leaked(case: &Case<'_>, pid: u32) -> bool {
    let mut names = case.instance.names.iter().filter(|name| name.pid == pid);
    let Some(process) = case.process(pid) else {
        return false;
    };
    let is_another_program = |elder: &Process| process.is_another_program(elder);
    names.any(|name| !name.is_cloexec)
        && case.instance.pids().into_iter().any(|elder| {
            case.snapshot.is_descendant(pid, elder)
                && case.process(elder).is_some_and(is_another_program)
        })
}

fn leaked_epoll(case: &Case<'_>, pid: u32) -> Finding {
    let elders: Vec<u32> = case
        .instance
        .pids()
        .into_iter()
        .filter(|elder| case.snapshot.is_descendant(pid, *elder))
        .collect();
    let fd = case.fd_in(pid);
    let from = processes(&elders);
    let summary = format!(
        "{fd} is the instance of {from}, open across exec: this program keeps it alive, and may read and change it."
    );
    let fix = format!("EPOLL_CLOEXEC where {from} makes the instance");
    case.about_instance(Class::LeakedEpoll, pid, summary, fix)
}

fn shared_epoll(case: &Case<'_>, sharers: &[u32]) -> Finding {
    let pid = case.eldest(sharers.iter().copied());
    let summary = format!(
        "{} hold one instance: each one's DEL removes for all, and an event goes to whoever waits first.",
        processes(sharers)
    );
    let fix = "an instance of its own for each process, made after the fork".to_owned();
    case.about_instance(Class::SharedEpoll, pid, summary, fix)
}

fn deaf_signalfds<'a>(
    case: &'a Case<'_>,
    sharers: &'a [u32],
) -> impl Iterator<Item = Finding> + 'a {
    let signalfds = case
        .instance
        .registrations
        .iter()
        .filter(|registration| registration.kind == Some(Kind::Signalfd));
    signalfds.map(move |registration| {
        let fd = registration.fd;
        let summary = format!(
            "{fd} is a signalfd in an instance that {} hold: only the process that registered it is woken, \
             and whoever waits is told of its own signals.",
            processes(sharers)
        );
        let fix = format!(
            "an instance of its own for each process; in the child, DEL and ADD {fd} anew"
        );
        let pid = case.eldest(sharers.iter().copied());
        case.about(registration, Class::DeafSignalfd, pid, summary, fix)
    })
}

fn dup_piles(case: &Case<'_>) -> Vec<Finding> {
    let registrations = case.instance.registrations.iter();
    let shares = |it: &Registration| it.kind.is_some_and(Kind::shares_its_inode);
    // All anonymous files share one inode: many registrations of it are no pile. A registration
    // whose kind is not known may have that inode too.
    let anonymous = registrations.clone().rfind(|it| shares(it));
    let anonymous = anonymous.and_then(|it| it.key);
    let with_key = registrations.filter_map(|it| Some((it.key.filter(|_| !shares(it))?, it.fd)));
    let own = with_key.filter(|(key, _)| Some(*key) != anonymous);
    let mut crowds = Crowds::of(case.instance.registrations.len());
    own.clone().for_each(|(key, _)| crowds.add(key));
    let crowded = own.filter(|(key, _)| crowds.may_be_piles(*key));
    let mut piles: FxHashMap<FileKey, Vec<i32>> = FxHashMap::default();
    for (key, fd) in crowded {
        piles.entry(key).or_default().push(fd);
    }
    piles.retain(|_, fds| fds.len() >= PILE);
    let piles: BTreeMap<FileKey, Vec<i32>> = piles.into_iter().collect();
    let about = |fds: Vec<i32>| {
        let pid = case.eldest(case.instance.pids());
        let summary = format!(
            "{} fds, {} the first, are registered for one file (or a pipe's two ends): each is told of every event.",
            fds.len(),
            fds[0]
        );
        let fix =
            "EPOLL_CTL_DEL before a duplicate is closed, and no ADD of a duplicate".to_owned();
        Finding {
            fd: fds[0],
            ..case.about_instance(Class::DupPile, pid, summary, fix)
        }
    };
    piles.into_values().map(about).collect()
}

/// Counts registrations by a hash of the inode. A place with few has no pile, so the exact count
/// below is made only of the inodes in crowded places: a map of a million inodes would cost more
/// than all the rest.
struct Crowds(Vec<u8>);

impl Crowds {
    fn of(registrations: usize) -> Crowds {
        let places = (4 * registrations).next_power_of_two();
        Crowds(vec![0; places.clamp(1 << 8, 1 << 20)])
    }

    fn add(&mut self, key: FileKey) {
        let place = self.place(key);
        self.0[place] = self.0[place].saturating_add(1);
    }

    fn may_be_piles(&self, key: FileKey) -> bool {
        usize::from(self.0[self.place(key)]) >= PILE
    }

    /// Inodes are mostly numbered one after the other, so their low bits spread well.
    fn place(&self, key: FileKey) -> usize {
        (key.ino ^ key.ino >> 20) as usize & (self.0.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowds, FileKey, PILE};

    #[test]
    fn a_pile_is_where_a_crowd_is() {
        let key = |ino| FileKey { dev: None, ino };
        let mut crowds = Crowds::of(1000);
        (0..1000).for_each(|ino| crowds.add(key(ino)));
        (1..PILE).for_each(|_| crowds.add(key(7)));
        assert!(crowds.may_be_piles(key(7)));
        assert!(
            (0..1000)
                .filter(|ino| crowds.may_be_piles(key(*ino)))
                .eq([7])
        );
    }
}
