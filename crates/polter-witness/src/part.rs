//! A report as data: to keep, and to put the parts of a search together.

use crate::act::{Act, Verb};
use crate::options::Shard;
use crate::report::{Pair, Report, Witness};
use eventpoll::Policy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What was searched, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What was asked: equal in all parts of one search.
    pub question: Question,
    /// Which part this is, and of how many; nothing for a whole.
    pub shard: Option<(usize, usize)>,
    /// Every program of up to so many calls was covered.
    pub covered_calls: usize,
    /// That is what was asked for.
    pub is_complete: bool,
    /// States that were met; in parts put together, those that several met count for each.
    pub states: u64,
    /// Calls that were made in them.
    pub calls_made: u64,
    /// Every pair of the policies asked about, in their order.
    pub pairs: Vec<PairPart>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The names of the policies that were compared.
    pub policies: Vec<String>,
    /// The calls that programs are made of.
    pub vocabulary: Vec<String>,
    /// The most processes at once.
    pub processes: usize,
    /// The most open numbers of a table.
    pub numbers: usize,
    /// The most open instances of a table.
    pub instances: usize,
    /// How many calls the longest programs may have.
    pub calls: usize,
    /// Longer programs than the shortest were looked for, too.
    pub is_thorough: bool,
    /// The calls whose answers were looked at; all, if there are none.
    pub observed: Vec<String>,
}

/// Two policies, and what tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairPart {
    /// The names of the two policies.
    pub policies: [String; 2],
    /// The length of the shortest programs.
    pub calls: Option<usize>,
    /// How many shorter programs there are, all answered alike; unknown to a part.
    pub alike: Option<u64>,
    /// How many programs of the shortest length were compared; unknown to a part.
    pub compared: Option<u64>,
    /// One for each thing that programs show.
    pub witnesses: Vec<WitnessPart>,
}

/// A program, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessPart {
    /// What it shows, in a few words.
    pub idiom: String,
    /// What it shows, in a sentence.
    pub sentence: String,
    /// Programs of this length that show it, up to order and names.
    pub forms: usize,
    /// Programs of this length that show it, each order and name counted.
    pub programs: usize,
    /// Its calls: the caller's place among the living, the verb, two numbers.
    pub acts: Vec<(u8, String, u8, u8)>,
    /// The script, with the answers of both.
    pub script: String,
}

/// Why parts do not make a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// No part was given.
    #[error("no parts")]
    Nothing,
    /// One asked something else than the first.
    #[error("part {0} of the arguments is of another search than the first")]
    OtherQuestion(usize),
    /// One is a whole, or says of other counts.
    #[error("part {0} of the arguments is not one of {1} parts")]
    NotAPart(usize, usize),
    /// Some are not there.
    #[error("missing: part {0} of {1}")]
    Missing(usize, usize),
    /// One is there twice.
    #[error("part {0} of {1} is there twice")]
    Twice(usize, usize),
}

impl From<&Report> for Part {
    fn from(report: &Report) -> Part {
        let effort = report.effort();
        let shard = report.shard().map(|Shard { number, of }| (number, of));
        Part {
            question: Question::of(report),
            shard,
            covered_calls: report.covered.calls,
            is_complete: report.is_complete(),
            states: effort.states,
            calls_made: effort.calls,
            pairs: report
                .pairs
                .iter()
                .map(|pair| PairPart::of(pair, shard.is_some()))
                .collect(),
        }
    }
}

impl Question {
    fn of(report: &Report) -> Question {
        Question {
            policies: report.policies.iter().map(Policy::to_string).collect(),
            vocabulary: names(report.vocabulary.verbs()),
            processes: report.vocabulary.processes,
            numbers: report.vocabulary.numbers,
            instances: report.vocabulary.instances,
            calls: report.options.calls,
            is_thorough: report.options.is_thorough,
            observed: names(report.observed()),
        }
    }
}

fn names(verbs: &[Verb]) -> Vec<String> {
    verbs.iter().map(|verb| verb.name().to_string()).collect()
}

impl PairPart {
    fn of(pair: &Pair, is_part: bool) -> PairPart {
        let known = |count: u128| {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            (!is_part).then_some(count)
        };
        PairPart {
            policies: pair.policies.map(|policy| policy.to_string()),
            calls: pair.calls,
            alike: known(pair.alike),
            compared: known(pair.compared),
            witnesses: pair
                .witnesses
                .iter()
                .map(|witness| WitnessPart::of(witness, &pair.policies))
                .collect(),
        }
    }

    /// For each thing that programs show, in a few words: one program.
    pub fn plainest(&self) -> Vec<&WitnessPart> {
        let mut plainest: Vec<&WitnessPart> = Vec::new();
        for witness in &self.witnesses {
            if !plainest.iter().any(|known| known.idiom == witness.idiom) {
                plainest.push(witness);
            }
        }
        plainest
    }

    /// Takes in what another part found of the same pair.
    fn join(&mut self, other: PairPart) {
        let shortest = |calls: Option<usize>| calls.unwrap_or(usize::MAX);
        self.calls = self
            .calls
            .into_iter()
            .chain(other.calls)
            .min_by_key(|calls| shortest(Some(*calls)));
        (self.alike, self.compared) = (None, None);
        for witness in other.witnesses {
            let same = |known: &&mut WitnessPart| {
                (known.acts.len(), &known.sentence) == (witness.acts.len(), &witness.sentence)
            };
            match self.witnesses.iter_mut().find(same) {
                // Before the search was split, all parts found the same programs.
                Some(known) if known.acts == witness.acts => {}
                Some(known) => {
                    known.forms += witness.forms;
                    known.programs += witness.programs;
                    if witness.acts < known.acts {
                        (known.acts, known.script) = (witness.acts, witness.script);
                    }
                }
                None => self.witnesses.push(witness),
            }
        }
    }

    /// Leaves out what is not a shortest program in the whole.
    fn settle(&mut self, is_thorough: bool) {
        let shortest = self.calls.unwrap_or(0);
        if !is_thorough {
            self.witnesses
                .retain(|witness| witness.acts.len() == shortest);
        }
        self.witnesses.sort_by_key(|witness| witness.acts.len());
    }
}

impl WitnessPart {
    fn of(witness: &Witness, policies: &[Policy; 2]) -> WitnessPart {
        let act = |act: &Act| (act.who, act.verb.name().to_string(), act.a, act.b);
        WitnessPart {
            idiom: witness.idiom.clone(),
            sentence: witness.sentence.clone(),
            forms: witness.forms,
            programs: witness.programs,
            acts: witness.acts.iter().map(act).collect(),
            script: witness.script(policies),
        }
    }
}

/// Puts the parts of one search together.
pub fn merge(parts: Vec<Part>) -> Result<Part, MergeError> {
    check(&parts)?;
    let mut parts = parts;
    parts.sort_by_key(|part| part.shard);
    let mut parts = parts.into_iter();
    let mut whole = parts.next().ok_or(MergeError::Nothing)?;
    whole.shard = None;
    for part in parts {
        whole.covered_calls = whole.covered_calls.min(part.covered_calls);
        whole.is_complete &= part.is_complete;
        whole.states = whole.states.saturating_add(part.states);
        whole.calls_made = whole.calls_made.saturating_add(part.calls_made);
        for (pair, other) in whole.pairs.iter_mut().zip(part.pairs) {
            pair.join(other);
        }
    }
    for pair in &mut whole.pairs {
        pair.settle(whole.question.is_thorough);
    }
    Ok(whole)
}

/// All of one search, and each part once.
fn check(parts: &[Part]) -> Result<(), MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    let of = first.shard.map_or(1, |(_, of)| of);
    let mut there = BTreeSet::new();
    for (place, part) in parts.iter().enumerate() {
        if part.question != first.question || part.pairs.len() != first.pairs.len() {
            return Err(MergeError::OtherQuestion(place + 1));
        }
        let number = part.shard.filter(|(_, parts)| *parts == of);
        let (number, _) = number.ok_or(MergeError::NotAPart(place + 1, of))?;
        if !there.insert(number) {
            return Err(MergeError::Twice(number, of));
        }
    }
    let missing = (1..=of).find(|number| !there.contains(number));
    missing.map_or(Ok(()), |number| Err(MergeError::Missing(number, of)))
}
