//! A bound on the lines for people: of a kind of finding that comes again and again, some are shown and the others
//! counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use polter_class::Class;

/// Lines shown of a kind in a while.
const SHOWN: u64 = 20;

const WHILE: Duration = Duration::from_secs(60);

/// Most kinds that are told apart in a while; the others of a class are one.
const MAX_KINDS: usize = 64;

/// The name of those that are not told apart.
const OTHERS: &str = "in other processes";

/// A class, and the name of a process.
type Kind = (Class, String);

/// How many findings of each kind came in this while.
pub(super) struct Flood {
    since: Instant,
    came: BTreeMap<Kind, u64>,
    /// Findings that were not shown, since the watch began.
    pub(super) hidden: u64,
}

impl Flood {
    pub(super) fn new(now: Instant) -> Flood {
        Flood {
            since: now,
            came: BTreeMap::new(),
            hidden: 0,
        }
    }

    /// A finding comes; true if it is to be shown.
    pub(super) fn is_shown(&mut self, class: Class, name: &str) -> bool {
        let mut kind = (class, name.to_owned());
        if self.came.len() >= MAX_KINDS && !self.came.contains_key(&kind) {
            kind.1 = OTHERS.to_owned();
        }
        let came = self.came.entry(kind).or_default();
        *came += 1;
        let is_shown = *came <= SHOWN;
        self.hidden += u64::from(!is_shown);
        is_shown
    }

    /// The kinds of which some were not shown, and how many, once the while is over; `is_end`: now.
    pub(super) fn take_hidden(&mut self, now: Instant, is_end: bool) -> Vec<(Kind, u64)> {
        if !is_end && now.duration_since(self.since) < WHILE {
            return Vec::new();
        }
        self.since = now;
        let came = std::mem::take(&mut self.came).into_iter();
        came.filter(|(_, came)| *came > SHOWN)
            .map(|(kind, came)| (kind, came - SHOWN))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Flood, MAX_KINDS, SHOWN, WHILE};
    use polter_class::Class;
    use std::time::Instant;

    #[test]
    fn the_first_of_a_kind_are_shown_and_the_others_counted() {
        let now = Instant::now();
        let mut flood = Flood::new(now);
        let shown = (0..100).filter(|_| flood.is_shown(Class::ForkGhost, "worker"));
        assert_eq!(shown.count() as u64, SHOWN);
        assert!(
            flood.is_shown(Class::ForkGhost, "other") && flood.is_shown(Class::DupGhost, "worker")
        );
        assert_eq!(flood.take_hidden(now, false), []);
        let hidden = flood.take_hidden(now + WHILE, false);
        assert_eq!(
            hidden,
            [((Class::ForkGhost, "worker".to_owned()), 100 - SHOWN)]
        );
        assert!(flood.is_shown(Class::ForkGhost, "worker"), "a new while");
        assert_eq!(
            (flood.take_hidden(now + WHILE, true), flood.hidden),
            (vec![], 100 - SHOWN)
        );
    }

    #[test]
    fn names_that_are_ever_new_are_one_kind() {
        let mut flood = Flood::new(Instant::now());
        let shown = (0..5000).filter(|n| flood.is_shown(Class::ForkGhost, &n.to_string()));
        assert_eq!(shown.count(), MAX_KINDS + SHOWN as usize);
        assert_eq!(flood.came.len(), MAX_KINDS + 1);
    }
}
