//! Reads again what does not fit, because the processes run on meanwhile.
//!
//! ```text
//!   fd ─▶ instance ─▶ fd ─▶ instance ─▶ …      only what all reads agree on is kept
//! ```
//!
//! The fd comes first, the instance second. In the other order, a program that removes its
//! registration and closes the fd between the two reads would seem to have left a ghost.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::compare::{Slot, Target};
use super::quiescence::Quiescence;
use super::rows::{key, numbered};
use super::view::View;
use crate::proc::fdinfo::{FdInfo, Row};
use crate::proc::{Fds, InfoText};
use crate::snapshot::{FileKey, InTable, Instance, Meaning, Registration, Why};

/// How often everything that does not fit is read again.
const RECHECKS: usize = 2;

/// How often files that share an inode are read again after that. An eventfd that is removed,
/// closed and made anew under its fd between two reads looks as if it had never gone.
const DOUBTFUL_RECHECKS: usize = 6;

/// The registrations of one instance that do not fit, and its text to be read again.
pub(super) struct Recheck<'a> {
    view: &'a View<'a>,
    name: Slot,
    text: InfoText,
    rows: Rows,
}

impl<'a> Recheck<'a> {
    /// A recheck of `instance`, whose `info` was read from `text`.
    pub(super) fn new(
        view: &'a View<'a>,
        name: Slot,
        text: InfoText,
        instance: &Instance,
        info: &FdInfo,
    ) -> Recheck<'a> {
        Recheck {
            view,
            name,
            text,
            rows: Rows::of(instance, info),
        }
    }

    /// Reads as often as it takes; `shared` is the one inode that all anonymous files have.
    pub(super) fn run(&mut self, instance: &mut Instance, shared: Option<FileKey>) {
        for turn in 1..=RECHECKS {
            let is_asked_about = |it: &Registration| it.is_plain() || self.view.is_asked_about(it);
            // The last read of the instance can be left out: where the kernel is asked who keeps
            // each ghost, its answer also says that the registration is still there.
            if turn == RECHECKS && instance.registrations.iter().all(is_asked_about) {
                self.read_fds(instance, |it| !it.is_plain());
            } else {
                self.once(instance, |_| true);
            }
        }
        let is_doubtful = |it: &Registration| {
            let has_shared = it.key.zip(shared).is_none_or(|(a, b)| a.can_be(b));
            // A meaning is unknown because the kernel refuses, or because asking takes too long.
            // Another read does not change that, so it is left out then.
            let is_known = |table: &InTable| table.meaning != Meaning::Unknown;
            has_shared && (it.tables.iter().any(is_known) || self.view.comparer.answers_all())
        };
        for _ in 0..DOUBTFUL_RECHECKS {
            self.once(instance, is_doubtful);
        }
    }

    /// Reads the fds once more; true if no holder has run since before the text was read, so that
    /// no recheck is needed.
    ///
    /// The fds are read inside the quiet time, because the listing they come from is older than it.
    pub(super) fn is_settled(
        &mut self,
        instance: &mut Instance,
        quiescence: Option<Quiescence>,
    ) -> bool {
        quiescence.is_some_and(|quiescence| {
            self.read_fds(instance, |it| !it.is_plain());
            quiescence.lasts(self.view.proc)
        })
    }

    /// Reads fds and instance once more, and drops the registrations that have gone, or have become
    /// other ones, since the last read.
    pub(super) fn once(
        &mut self,
        instance: &mut Instance,
        is_asked_fn: impl Fn(&Registration) -> bool,
    ) {
        let is_asked = |it: &Registration| !it.is_plain() && is_asked_fn(it);
        if !instance.registrations.iter().any(is_asked) || !self.view.proc.is_live() {
            return;
        }
        self.read_fds(instance, is_asked);
        let odd = odd(instance);
        let Ok(after) = self.text.read(|fd| odd.contains(&fd)) else {
            instance.registrations.retain(|it| !is_asked(it));
            return;
        };
        let after = Rows::of(instance, &after);
        instance.registrations.retain(|registration| {
            let is_still_there = match (self.rows.get(registration), after.get(registration)) {
                (Some(before), Some(after)) => {
                    before.is_same_registration(after)
                        && (registration.data, registration.key) == (before.data, key(before))
                }
                _ => false,
            };
            !is_asked(registration) || is_still_there
        });
        self.rows = after;
    }

    /// Reads what the fds mean now, in every table.
    fn read_fds(&self, instance: &mut Instance, is_asked_fn: impl Fn(&Registration) -> bool) {
        let among = instance.registrations.len();
        // Each process's directory is opened once, not once for each registration.
        let mut fds_of: BTreeMap<u32, Result<Fds<'_>, Why>> = BTreeMap::new();
        for (place, registration) in instance.registrations.iter_mut().enumerate() {
            if !is_asked_fn(registration) {
                continue;
            }
            let Some(row) = self.rows.get(registration) else {
                continue;
            };
            registration.events = row.events;
            let target = Target::of(self.name, registration, place);
            for table in &mut registration.tables {
                let fds = fds_of
                    .entry(table.pid)
                    .or_insert_with(|| self.view.proc.fds(table.pid));
                if let Ok(Ok(open)) = fds.as_ref().map(|it| it.read(row.tfd, false)) {
                    table.meaning =
                        self.view
                            .meaning(key(row), &target, among, table.pid, open.as_ref());
                }
            }
            // A process that has ended has no table any more. If all have, the tables are kept: the
            // next read of the text fails, and that drops the registration.
            let has_ended =
                |table: &InTable| matches!(fds_of.get(&table.pid), Some(Err(Why::Vanished)));
            if !registration.tables.iter().all(has_ended) {
                registration.tables.retain(|table| !has_ended(table));
            }
        }
    }
}

/// Reads an instance's text anew, and drops those of the asked registrations, by fd and
/// occurrence, that are not there any more.
pub(super) fn drop_what_has_gone(
    view: &View<'_>,
    instance: &mut Instance,
    asked: &FxHashSet<(i32, u32)>,
) {
    let name = instance.names[0];
    let fds: FxHashSet<i32> = asked.iter().map(|(fd, _)| *fd).collect();
    let text = view.proc.info(name.pid, name.fd);
    let info = text.and_then(|mut text| text.read(|fd| fds.contains(&fd)));
    let rows = info.map_or(Rows(BTreeMap::new()), |info| Rows::of(instance, &info));
    instance.registrations.retain(|registration| {
        let is_it = |row: &Row| (row.data, key(row)) == (registration.data, registration.key);
        !asked.contains(&(registration.fd, registration.occurrence))
            || rows.get(registration).is_some_and(is_it)
    });
}

/// The rows of the registrations that do not fit, by fd and occurrence.
struct Rows(BTreeMap<(i32, u32), Row>);

impl Rows {
    fn of(instance: &Instance, info: &FdInfo) -> Rows {
        let odd = odd(instance);
        let rows = info.rows.iter().filter(|row| odd.contains(&row.tfd));
        let rows = numbered(rows).map(|(row, occurrence)| ((row.tfd, occurrence), *row));
        Rows(rows.collect())
    }

    fn get(&self, registration: &Registration) -> Option<&Row> {
        self.0.get(&(registration.fd, registration.occurrence))
    }
}

/// The fds of the registrations that do not fit.
fn odd(instance: &Instance) -> FxHashSet<i32> {
    let odd = instance.registrations.iter().filter(|it| !it.is_plain());
    odd.map(|it| it.fd).collect()
}
