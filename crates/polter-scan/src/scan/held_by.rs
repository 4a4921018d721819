//! Finds who has the file open, for every registration that does not fit.
//!
//! `kcmp` compares an fd with a registration, so its answer also says whether the registration is
//! still there. For a registration that is asked about, this is the last read of the instance.

use rustc_hash::{FxHashMap, FxHashSet};

use super::compare::Target;
use super::holders::{Holders, Kept};
use super::recheck::drop_what_has_gone;
use super::view::View;
use crate::parallel;
use crate::snapshot::{Held, InTable, Instance, Meaning, Registration};

/// Questions about one instance that a thread asks before it takes up more work.
const QUESTIONS: usize = 64;

/// A registration's place: which instance, and where in it.
type Place = (usize, usize);

impl View<'_> {
    /// Says who has the file open, where a registration does not fit, and drops registrations that
    /// turn out to be gone.
    ///
    /// A registration whose holders are known already is not asked about again.
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
                            untold.insert((registration.fd, registration.occurrence));
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

    fn ask_for_holders(&self, instances: &[Instance]) -> FxHashMap<Place, Option<Kept>> {
        let registrations = instances.iter().flat_map(|it| &it.registrations);
        let odd = registrations.filter(|it| !it.is_plain());
        let inodes: FxHashSet<u64> = odd.filter_map(|it| it.key).map(|key| key.ino).collect();
        let holders = Holders::new(self.processes, &inodes);
        // The kernel walks over the whole instance for each question, under the instance's lock. So
        // a thread asks many questions about one instance, and others ask about other instances.
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

    /// Notes what kind of file it is, from an fd that names it.
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

/// Notes who has a registration's file open.
fn hold(registration: &mut Registration, held_by: Vec<Held>) {
    registration.held_by = held_by;
    for table in &mut registration.tables {
        // The fd has come to name its file again, after the last recheck.
        let slot = (table.pid, registration.fd);
        let is_itself = |held: &Held| held.is_certain && (held.pid, held.fd) == slot;
        if registration.held_by.iter().any(is_itself) {
            table.meaning = Meaning::Same;
        }
    }
}
