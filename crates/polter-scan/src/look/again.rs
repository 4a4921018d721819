//! Looking again at what does not fit: the processes run on meanwhile.
//!
//! ```text
//!   number ─▶ instance ─▶ number ─▶ instance ─▶ …      what all looks agree on is kept
//! ```
//!
//! Number first, then the instance: the other way round, a program that removes, closes
//! and is done between the two looks would seem to have left a ghost.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::compare::Slot;
use crate::fdinfo::{FdInfo, Row};
use crate::proc::{InfoText, Numbers};
use crate::snapshot::{FileKey, InTable, Instance, Meaning, Registration, Why};

use super::asleep::Asleep;
use super::{Look, Target, key, numbered};

/// Looks at what does not fit, after the first.
const SECOND_LOOKS: usize = 2;

/// More of them at files that share an inode: an eventfd that is removed, closed
/// and made again under its number looks as if it had never gone.
const DOUBTFUL_LOOKS: usize = 6;

/// The registrations of one instance that do not fit.
pub(super) struct Again<'a> {
    look: &'a Look<'a>,
    name: Slot,
    text: InfoText,
    rows: Rows,
}

impl<'a> Again<'a> {
    /// With the instance's text, which `info` was read from.
    pub(super) fn new(
        look: &'a Look<'a>,
        name: Slot,
        text: InfoText,
        instance: &Instance,
        info: &FdInfo,
    ) -> Again<'a> {
        Again {
            look,
            name,
            text,
            rows: Rows::of(instance, info),
        }
    }

    /// Looks as often as it takes; `shared` is the inode of all files that have none.
    pub(super) fn look(&mut self, instance: &mut Instance, shared: Option<FileKey>) {
        for look in 1..=SECOND_LOOKS {
            let is_asked_about = |it: &Registration| it.is_plain() || self.look.is_asked_about(it);
            // The last time it is looked at by whoever asks who keeps them.
            if look == SECOND_LOOKS && instance.registrations.iter().all(is_asked_about) {
                self.look_at_numbers(instance, |it| !it.is_plain());
            } else {
                self.look_once(instance, |_| true);
            }
        }
        let is_doubtful = |it: &Registration| {
            let has_shared = it.key.zip(shared).is_none_or(|(a, b)| a.can_be(b));
            // What may not be asked, or takes too long, stays unknown however often it is looked at.
            let is_known = |table: &InTable| table.meaning != Meaning::Unknown;
            has_shared && (it.tables.iter().any(is_known) || self.look.comparer.answers_all())
        };
        for _ in 0..DOUBTFUL_LOOKS {
            self.look_once(instance, is_doubtful);
        }
    }

    /// Looks at the numbers once more; true if nobody can have changed anything since the text
    /// was read: `asleep` are all who hold the instance, from before that.
    pub(super) fn is_settled(&mut self, instance: &mut Instance, asleep: Option<Asleep>) -> bool {
        asleep.is_some_and(|asleep| {
            self.look_at_numbers(instance, |it| !it.is_plain());
            asleep.is_still_so(self.look.proc)
        })
    }

    /// Looks once more, and drops what has gone or become another since the last look.
    pub(super) fn look_once(
        &mut self,
        instance: &mut Instance,
        is_asked_fn: impl Fn(&Registration) -> bool,
    ) {
        let is_asked = |it: &Registration| !it.is_plain() && is_asked_fn(it);
        if !instance.registrations.iter().any(is_asked) || !self.look.proc.is_live() {
            return;
        }
        self.look_at_numbers(instance, is_asked);
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

    fn look_at_numbers(
        &self,
        instance: &mut Instance,
        is_asked_fn: impl Fn(&Registration) -> bool,
    ) {
        let among = instance.registrations.len();
        // Each process is opened once in a look.
        let mut numbers: BTreeMap<u32, Result<Numbers<'_>, Why>> = BTreeMap::new();
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
                let numbers = numbers
                    .entry(table.pid)
                    .or_insert_with(|| self.look.proc.numbers(table.pid));
                if let Ok(Ok(open)) = numbers.as_ref().map(|it| it.read(row.tfd, false)) {
                    table.meaning =
                        self.look
                            .meaning(key(row), &target, among, table.pid, open.as_ref());
                }
            }
            // Who has ended has no table any more; where all have, the text will not be there.
            let has_ended =
                |table: &InTable| matches!(numbers.get(&table.pid), Some(Err(Why::Vanished)));
            if !registration.tables.iter().all(has_ended) {
                registration.tables.retain(|table| !has_ended(table));
            }
        }
    }
}

/// Reads an instance's text anew, and drops of these what is not there any more.
pub(super) fn drop_what_has_gone(
    look: &Look<'_>,
    instance: &mut Instance,
    asked: &FxHashSet<(i32, u32)>,
) {
    let name = instance.names[0];
    let numbers: FxHashSet<i32> = asked.iter().map(|(fd, _)| *fd).collect();
    let text = look.proc.info(name.pid, name.fd);
    let info = text.and_then(|mut text| text.read(|fd| numbers.contains(&fd)));
    let rows = info.map_or(Rows(BTreeMap::new()), |info| Rows::of(instance, &info));
    instance.registrations.retain(|registration| {
        let is_it = |row: &Row| (row.data, key(row)) == (registration.data, registration.key);
        !asked.contains(&(registration.fd, registration.nth))
            || rows.get(registration).is_some_and(is_it)
    });
}

/// The rows of what does not fit, out of all that an instance has.
struct Rows(BTreeMap<(i32, u32), Row>);

impl Rows {
    fn of(instance: &Instance, info: &FdInfo) -> Rows {
        let odd = odd(instance);
        let rows = info.rows.iter().filter(|row| odd.contains(&row.tfd));
        let rows = numbered(rows).map(|(row, nth)| ((row.tfd, nth), *row));
        Rows(rows.collect())
    }

    fn get(&self, registration: &Registration) -> Option<&Row> {
        self.0.get(&(registration.fd, registration.nth))
    }
}

/// The numbers of what does not fit.
fn odd(instance: &Instance) -> FxHashSet<i32> {
    let odd = instance.registrations.iter().filter(|it| !it.is_plain());
    odd.map(|it| it.fd).collect()
}
