//! What a search found, pair by pair.

use crate::act::{Act, Verb};
use crate::count::Counts;
use crate::graph::{Difference, Graph};
use crate::options::{Covered, Effort, Options, Shard};
use crate::paths::Paths;
use crate::script::script;
use crate::search::{Found, Search};
use crate::shape::Eyes;
use crate::story::tell;
use crate::vocabulary::Vocabulary;
use eventpoll::Policy;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was asked for, and what was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The policies that were compared.
    pub policies: Vec<Policy>,
    /// What the programs were made of.
    pub vocabulary: Vocabulary,
    /// How it was searched.
    pub options: Options,
    /// How far the search came.
    pub covered: Covered,
    /// What each level cost, beginning with the programs of one call.
    pub efforts: Vec<Effort>,
    /// Every pair, in the order of the policies.
    pub pairs: Vec<Pair>,
}

/// Two policies, and what tells them apart.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The two policies, in the order they were asked for.
    pub policies: [Policy; 2],
    /// The length of the shortest programs; nothing if none was found.
    pub calls: Option<usize>,
    /// The shorter programs, which both answer alike: all of them. Without a shortest program,
    /// those of the lengths that were covered.
    pub alike: u128,
    /// The programs of the shortest length, all of which were compared.
    pub compared: u128,
    /// One for each thing that programs show, the shortest first.
    pub witnesses: Vec<Witness>,
    /// There are more programs than were looked at.
    pub is_cut: bool,
}

/// A program that two policies answer differently, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its calls, in order; the last one is answered differently.
    pub acts: Vec<Act>,
    /// What it shows, in a few words.
    pub idiom: String,
    /// What it shows, in a sentence.
    pub sentence: String,
    /// So many programs of this length show it: not counting the order of calls that do not
    /// mind their order, and the names of things.
    pub forms: usize,
    /// The same, each order and each naming counted.
    pub programs: usize,
}

/// The programs of a pair that are looked at one by one.
const MAX_PROGRAMS: usize = 4096;
/// The programs to one state that are tried for a longer witness.
const TRIES: usize = 4;

/// Looks for the programs that tell these policies apart, every two of them.
///
/// # Panics
///
/// If there are more policies than eight.
pub fn hunt(policies: &[Policy], vocabulary: &Vocabulary, options: &Options) -> Report {
    assert!(policies.len() <= 8, "a set of policies has eight places");
    let pairs: Vec<(usize, usize)> = (0..policies.len())
        .flat_map(|a| (a + 1..policies.len()).map(move |b| (a, b)))
        .collect();
    let found = Search::new(policies, &pairs, vocabulary, options).run();
    let telling = Telling::of(&found, policies, options);
    Report {
        policies: policies.to_vec(),
        vocabulary: vocabulary.clone(),
        options: options.clone(),
        pairs: telling.pairs(),
        covered: found.covered,
        efforts: found.efforts,
    }
}

/// Making pairs of what was found.
struct Telling<'a> {
    found: &'a Found,
    policies: &'a [Policy],
    options: &'a Options,
    counts: Counts,
    paths: Paths,
}

impl<'a> Telling<'a> {
    fn of(found: &'a Found, policies: &'a [Policy], options: &'a Options) -> Telling<'a> {
        Telling {
            found,
            policies,
            options,
            counts: Counts::of(&found.graph, found.covered.calls),
            paths: Paths::of(&found.graph),
        }
    }

    /// Every pair, by several threads.
    fn pairs(&self) -> Vec<Pair> {
        let lengths = &self.found.lengths;
        let next = AtomicUsize::new(0);
        let pairs: Vec<Mutex<Option<Pair>>> = lengths.iter().map(|_| Mutex::default()).collect();
        let work = || {
            while let Some(((a, b), calls)) = lengths.get(next.fetch_add(1, Ordering::Relaxed)) {
                let at = lengths.iter().position(|(pair, _)| *pair == (*a, *b));
                let pair = self.pair(*a, *b, *calls);
                let at = at.expect("the pair was found by its place");
                *pairs[at]
                    .lock()
                    .expect("no thread panics with a pair in hand") = Some(pair);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.options.threads {
                scope.spawn(work);
            }
            work();
        });
        let pairs = pairs.into_iter().map(Mutex::into_inner);
        pairs
            .filter_map(|pair| pair.expect("every thread has ended well"))
            .collect()
    }

    fn pair(&self, a: usize, b: usize, calls: Option<usize>) -> Pair {
        let covered = self.found.covered.calls;
        let shorter = calls.map_or(covered, |calls| calls - 1);
        let eyes = Eyes {
            policies: [self.policies[a], self.policies[b]],
            observed: &self.options.observed,
        };
        let mut pair = Pair {
            policies: eyes.policies,
            calls,
            alike: self.counts.alike(a, b, shorter),
            compared: calls.map_or(0, |calls| self.counts.compared(a, b, calls)),
            witnesses: Vec::new(),
            is_cut: false,
        };
        if calls.is_none() {
            // The counts of states end one call before the programs do.
            pair.alike = self.counts.alike(a, b, covered.saturating_sub(1))
                + self.counts.compared(a, b, covered);
        }
        if let Some(calls) = calls {
            self.add_shortest(&mut pair, (a, b), calls, eyes);
            if self.options.is_thorough {
                self.add_longer(&mut pair, (a, b), calls, eyes);
            }
            pair.witnesses.sort_by_cached_key(Witness::plainness);
        }
        pair
    }

    /// The differences of a pair, each with the length of its programs.
    fn differences(
        &self,
        (a, b): (usize, usize),
    ) -> impl Iterator<Item = (usize, &Difference)> + '_ {
        let graph: &Graph = &self.found.graph;
        let found = graph.differences.iter();
        found
            .filter(move |found| found.parts(a, b))
            .map(|found| (graph.level_of(found.node) + 1, found))
    }

    /// All shortest programs, sorted by what they show.
    fn add_shortest(&self, pair: &mut Pair, of: (usize, usize), calls: usize, eyes: Eyes<'_>) {
        let mut programs = Vec::new();
        for (_, found) in self.differences(of).filter(|(length, _)| *length == calls) {
            let left = MAX_PROGRAMS - programs.len();
            let paths = self.paths.to(found.node, left + 1);
            pair.is_cut |= paths.len() > left;
            programs.extend(
                paths
                    .into_iter()
                    .take(left)
                    .map(|path| with(path, found.act)),
            );
        }
        for group in eyes.up_to_order(&programs) {
            let plainest = group.iter().min_by_key(|at| instances(&programs[**at]));
            let acts = &programs[*plainest.unwrap_or(&group[0])];
            let Some(mut witness) = self.witness(acts, eyes) else {
                continue;
            };
            let same = |known: &&mut Witness| known.sentence == witness.sentence;
            match pair.witnesses.iter_mut().find(same) {
                Some(known) => {
                    known.forms += 1;
                    known.programs += group.len();
                    if instances(acts) < instances(&known.acts) {
                        known.acts.clone_from(acts);
                    }
                }
                None => {
                    witness.programs = group.len();
                    pair.witnesses.push(witness);
                }
            }
        }
    }

    /// Longer programs that show something else, and need each of their calls for it.
    fn add_longer(&self, pair: &mut Pair, of: (usize, usize), calls: usize, eyes: Eyes<'_>) {
        for (_, found) in self.differences(of).filter(|(length, _)| *length > calls) {
            for path in self.paths.to(found.node, TRIES) {
                let acts = with(path, found.act);
                let Some(witness) = self.witness(&acts, eyes) else {
                    continue;
                };
                let is_known = |known: &Witness| known.sentence == witness.sentence;
                if !pair.witnesses.iter().any(is_known) && eyes.needs_every_call(&acts) {
                    pair.witnesses.push(witness);
                }
            }
        }
    }

    fn witness(&self, acts: &[Act], eyes: Eyes<'_>) -> Option<Witness> {
        let story = tell(eyes.policies, acts, &self.options.observed)?;
        Some(Witness {
            acts: acts.to_vec(),
            idiom: story.idiom().to_string(),
            sentence: story.sentence(eyes.policies),
            forms: 1,
            programs: 1,
        })
    }
}

/// How many instances a program makes: a file that is none is easier to think of.
fn instances(acts: &[Act]) -> usize {
    let instances = acts.iter().filter(|act| act.verb == Verb::Instance);
    instances.count()
}

fn with(mut path: Vec<Act>, last: Act) -> Vec<Act> {
    path.push(last);
    path
}

impl Witness {
    /// The program as a script, with Linux's answers and those of these policies.
    pub fn script(&self, policies: &[Policy]) -> String {
        script(&self.sentence, &self.acts, policies).unwrap_or_default()
    }

    /// How plainly it says what it shows: an event first, then what `epoll_ctl` answers; what an
    /// elder registered before what a younger one did; few instances before many.
    fn plainness(&self) -> impl Ord + use<> {
        let last = self.acts.last().map(|act| match act.verb {
            Verb::Wait => 0,
            Verb::Add => 1,
            Verb::Del => 2,
            _ => 3,
        });
        let instances = self.acts.iter().filter(|act| act.verb == Verb::Instance);
        let registers = self.acts.iter().find(|act| act.verb.is_control());
        let maker = registers.map(|act| act.who);
        let overs = self.acts.iter().filter(|act| act.verb == Verb::Dup2);
        (
            self.acts.len(),
            last,
            instances.count(),
            maker,
            overs.count(),
        )
    }
}

impl Pair {
    /// For each thing that programs show, in a few words: the plainest program.
    pub fn plainest(&self) -> Vec<&Witness> {
        let mut plainest: Vec<&Witness> = Vec::new();
        for witness in &self.witnesses {
            if !plainest.iter().any(|known| known.idiom == witness.idiom) {
                plainest.push(witness);
            }
        }
        plainest
    }
}

impl Report {
    /// The states that were met, and the calls and kernels it took.
    pub fn effort(&self) -> Effort {
        let mut all = Effort {
            // The one before the first call.
            states: 1,
            ..Effort::default()
        };
        for effort in &self.efforts {
            all.states += effort.states;
            all.calls += effort.calls;
            all.kernels += effort.kernels;
        }
        all
    }

    /// The part of the whole that this is, if it is one.
    pub fn shard(&self) -> Option<Shard> {
        self.options.shard
    }

    /// The calls whose answers were looked at.
    pub fn observed(&self) -> &[Verb] {
        &self.options.observed
    }

    /// True if every program of the length asked for was covered.
    pub fn is_complete(&self) -> bool {
        self.covered.of == 0
    }
}
