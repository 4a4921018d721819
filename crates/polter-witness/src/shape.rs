//! Which programs are one: shorter ones inside of longer ones, and the same in another order.

use crate::act::{Act, Verb};
use crate::program::{Line, by_names, perform_names};
use eventpoll::{Outcome, Policy};
use std::collections::BTreeMap;

/// Two policies, and the calls whose answers count; all, if there are none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub(crate) policies: [Policy; 2],
    pub(crate) observed: &'a [Verb],
}

impl Eyes<'_> {
    fn sees(&self, verb: Verb) -> bool {
        self.observed.is_empty() || self.observed.contains(&verb)
    }

    /// True if some call is answered differently.
    fn differs(&self, lines: &[Line]) -> bool {
        let [Some(a), Some(b)] = self.policies.map(|policy| perform_names(policy, lines)) else {
            return false;
        };
        let mut pairs = a.iter().zip(&b);
        pairs.any(|(a, b)| self.sees(a.0.verb) && a.1 != b.1)
    }

    /// True if the difference is gone whichever call is left out.
    pub(crate) fn needs_every_call(&self, acts: &[Act]) -> bool {
        let Some(lines) = by_names(self.policies[0], acts) else {
            return false;
        };
        (0..lines.len()).all(|gone| {
            let mut rest = lines.clone();
            rest.remove(gone);
            !self.differs(&rest)
        })
    }

    /// The programs, sorted into those that are one but for the order of calls that do not
    /// mind, and the names of things. Of each the first comes first.
    pub(crate) fn up_to_order(&self, programs: &[Vec<Act>]) -> Vec<Vec<usize>> {
        let named: Vec<Vec<Line>> = programs
            .iter()
            .map(|acts| by_names(self.policies[0], acts).unwrap_or_default())
            .collect();
        let mut places = BTreeMap::new();
        for (place, lines) in named.iter().enumerate() {
            places.entry(renamed(lines)).or_insert(place);
        }
        let mut groups = Groups::new(programs.len());
        for (place, lines) in named.iter().enumerate() {
            groups.join(place, places[&renamed(lines)]);
            for swapped in self.neighbours(lines) {
                if let Some(other) = places.get(&renamed(&swapped)) {
                    groups.join(place, *other);
                }
            }
        }
        groups.all()
    }

    /// The programs with two calls the other way round that answer every call as before.
    fn neighbours(&self, lines: &[Line]) -> Vec<Vec<Line>> {
        let mut found = Vec::new();
        let before = self.policies.map(|policy| answers(policy, lines));
        for at in 1..lines.len() {
            let mut swapped = lines.to_vec();
            swapped.swap(at - 1, at);
            let after = self.policies.map(|policy| answers(policy, &swapped));
            if before == after && before[0].is_some() {
                found.push(swapped);
            }
        }
        found
    }
}

/// The answers by the names of their calls, numbers left out.
fn answers(policy: Policy, lines: &[Line]) -> Option<BTreeMap<u8, Answer>> {
    let performed = perform_names(policy, lines)?;
    let answers = lines.iter().zip(performed);
    Some(
        answers
            .map(|(line, (act, outcome))| (line.id, Answer::of(act.verb, &outcome)))
            .collect(),
    )
}

/// An answer without the numbers in it.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Gone,
    Failed(eventpoll::Errno),
    /// It made something.
    Made,
    Value(i64),
}

impl Answer {
    fn of(verb: Verb, outcome: &Outcome) -> Answer {
        let makes = verb.is_creating() || verb.is_birth() || matches!(verb, Verb::Dup | Verb::Dup2);
        match outcome {
            Outcome::Done(Ok(_)) if makes => Answer::Made,
            Outcome::Done(Ok(done)) => Answer::Value(done.value),
            Outcome::Done(Err(errno)) => Answer::Failed(*errno),
            Outcome::Blocked | Outcome::Gone => Answer::Gone,
        }
    }
}

/// A program with its calls named by their places.
fn renamed(lines: &[Line]) -> Vec<Line> {
    let place = |id: u8| {
        let place = lines.iter().position(|line| line.id == id);
        place.unwrap_or(usize::from(u8::MAX)) as u8
    };
    let name = |(id, slot): (u8, u8)| (place(id), slot);
    let lines = lines.iter().map(|line| Line {
        id: place(line.id),
        who: line.who.map(place),
        verb: line.verb,
        a: line.a.map(name),
        b: line.b.map(name),
    });
    lines.collect()
}

/// Things that turn out to be one.
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Groups {
        Groups((0..count).collect())
    }

    fn first(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }

    fn all(&self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in 0..self.0.len() {
            groups.entry(self.first(at)).or_default().push(at);
        }
        groups.into_values().collect()
    }
}
