//! Who keeps what does not fit.
//!
//! The kernel is asked about a registration and a number, and so says whether that
//! registration is still there: the last look at an instance, for all it is asked about.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::holders::{Holders, Kept};
use crate::parallel;
use crate::snapshot::{FileKey, Held, InTable, Instance, Meaning, Registration};

use super::again::drop_what_has_gone;
use super::{Look, Target};

/// Questions about one instance that a thread asks before it looks for others.
const QUESTIONS: usize = 64;

/// A registration: which instance, and where in it.
type Place = (usize, usize);

impl Look<'_> {
    /// Says who keeps what does not fit, and drops what turns out to be gone.
    ///
    /// What somebody is known to keep is not asked about again.
    pub(super) fn find_holders(&self, mut instances: Vec<Instance>) -> Vec<Instance> {
        let mut found = self.ask_for_holders(&instances);
        for (at, instance) in instances.iter_mut().enumerate() {
            let mut place = 0..;
            let mut untold: FxHashSet<(i32, u32)> = FxHashSet::default();
            instance.registrations.retain_mut(|registration| {
                let place = place.next();
                let odd = place.filter(|_| !registration.is_plain());
                match odd.and_then(|place| found.remove(&(at, place))) {
                    Some(Some(kept)) => {
                        if !kept.is_there && self.is_asked_about(registration) {
                            untold.insert((registration.fd, registration.nth));
                        }
                        hold(registration, kept.by);
                    }
                    Some(None) => return false,
                    None => {}
                }
                if registration.kind.is_none() || !registration.is_plain() {
                    self.name_kind(registration);
                }
                true
            });
            if !untold.is_empty() {
                drop_what_has_gone(self, instance, &untold);
            }
        }
        instances
    }

    /// True if finding who keeps it shows whether a registration is still there.
    pub(super) fn is_asked_about(&self, registration: &Registration) -> bool {
        let is_no_socket = |key: FileKey| {
            let devs = key.dev.zip(self.proc.socket_dev());
            devs.is_some_and(|(dev, of_sockets)| dev != of_sockets)
        };
        self.comparer.may_ask() && registration.key.is_some_and(is_no_socket)
    }

    fn ask_for_holders(&self, instances: &[Instance]) -> FxHashMap<Place, Option<Kept>> {
        let registrations = instances.iter().flat_map(|it| &it.registrations);
        let odd = registrations.filter(|it| !it.is_plain());
        let inodes: FxHashSet<u64> = odd.filter_map(|it| it.key).map(|key| key.ino).collect();
        let holders = Holders::new(self.processes, &inodes);
        // One instance answers one question at a time, and walks over the same memory for
        // each: a thread asks one about all it has to say, and no other thread meanwhile.
        let mut turns: Vec<(usize, Vec<usize>)> = Vec::new();
        for (at, instance) in instances.iter().enumerate() {
            let registrations = instance.registrations.iter().enumerate();
            let is_odd = |it: &Registration| !it.is_plain() && it.held_by.is_empty();
            let odd = registrations.filter(|(_, it)| is_odd(it));
            let odd: Vec<usize> = odd.map(|(place, _)| place).collect();
            let of_it = odd.chunks(QUESTIONS).map(|places| (at, places.to_vec()));
            turns.extend(of_it);
        }
        let found = parallel::map_apart(turns, |(at, places)| {
            let instance = &instances[at];
            let name = instance.names[0];
            let answer = |place: usize| {
                let registration = &instance.registrations[place];
                let target = Target::of((name.pid, name.fd), registration, place);
                let kept = holders.of(self.comparer, registration, &target);
                ((at, place), kept)
            };
            places.into_iter().map(answer).collect::<Vec<_>>()
        });
        found.into_iter().flatten().collect()
    }

    /// Takes down what kind of file it is, from a number that names it.
    fn name_kind(&self, registration: &mut Registration) {
        let of_table = |table: &InTable| self.listed(table.pid, registration.fd);
        let same = |table: &&InTable| table.meaning == Meaning::Same;
        let named = registration.tables.iter().find(same).and_then(of_table);
        let held = registration.held_by.first();
        let kept = || held.and_then(|held| self.listed(held.pid, held.fd));
        if let Some(open) = named.or_else(kept) {
            registration.kind = Some(open.kind);
        }
    }
}

/// Takes down who keeps a registration's file.
fn hold(registration: &mut Registration, held_by: Vec<Held>) {
    registration.held_by = held_by;
    for table in &mut registration.tables {
        // It has come back this very moment.
        let slot = (table.pid, registration.fd);
        let is_itself = |held: &Held| held.is_certain && (held.pid, held.fd) == slot;
        if registration.held_by.iter().any(is_itself) {
            table.meaning = Meaning::Same;
        }
    }
}
