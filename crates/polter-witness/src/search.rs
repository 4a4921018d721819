//! Every program, shortest first, in all worlds at once, each state only once.
//!
//! A level's nodes are expanded in rounds, by several threads, and what they found is put
//! together in the order of the nodes: the result is the same however many threads there are.
//!
//! What makes the shortest program found a shortest one: a call is left out only if it names
//! no open number (it fails in all worlds alike, and changes nothing); a state is left out
//! only if a program that is no longer led to it before (whatever follows is answered alike);
//! and worlds share a kernel only while they are alike and the call asks nothing they
//! would answer differently.

use crate::act::Act;
use crate::expand::{Batch, Reached, Shared, Worker};
use crate::graph::{Edge, Graph, Pairs};
use crate::options::{Covered, Effort, Options};
use crate::vocabulary::Vocabulary;
use crate::worlds::{Class, empty_world, task};
use eventpoll::{Kernel, Policy};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A search that has ended.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) graph: Graph,
    pub(crate) efforts: Vec<Effort>,
    pub(crate) covered: Covered,
    /// Of each pair, by its places: the shortest length.
    pub(crate) lengths: Vec<((usize, usize), Option<usize>)>,
}

/// Nodes that one thread expands at a time.
const CHUNK: usize = 32;
/// Nodes between two looks at the limits.
const ROUND: usize = 8192;
/// A level is split among shards once it has so many nodes for each.
const SPLIT: usize = 32;

/// A search under way.
pub(crate) struct Search<'a> {
    policies: &'a [Policy],
    vocabulary: &'a Vocabulary,
    options: &'a Options,
    roots: Vec<Kernel>,
    graph: Graph,
    /// The pairs that are still to be told apart.
    open: Pairs,
    lengths: Vec<((usize, usize), Option<usize>)>,
    efforts: Vec<Effort>,
    is_split: bool,
    /// Answers are not looked at: no class falls apart.
    is_blind: bool,
}

impl<'a> Search<'a> {
    /// Looks for what tells these pairs apart.
    pub(crate) fn new(
        policies: &'a [Policy],
        pairs: &[(usize, usize)],
        vocabulary: &'a Vocabulary,
        options: &'a Options,
    ) -> Search<'a> {
        let mut open = Pairs::default();
        for (a, b) in pairs {
            open.insert(*a, *b);
        }
        let class = Class::all(policies.len()).members();
        Search {
            policies,
            vocabulary,
            options,
            roots: policies.iter().map(|policy| empty_world(*policy)).collect(),
            graph: Graph::new(class),
            open,
            lengths: pairs.iter().map(|pair| (*pair, None)).collect(),
            efforts: Vec::new(),
            is_split: false,
            is_blind: false,
        }
    }

    /// Goes level by level to the end.
    pub(crate) fn run(mut self) -> Found {
        let mut covered = Covered {
            calls: 0,
            expanded: 0,
            of: 0,
        };
        for level in 0..self.options.calls {
            let nodes = self.nodes_to_expand(level);
            self.graph.begin_level();
            let expanded = self.expand_level(level, &nodes);
            // A level that a limit has cut short proves nothing about programs of its length.
            if expanded < nodes.len() {
                (covered.expanded, covered.of) = (expanded, nodes.len());
                break;
            }
            covered.calls = level + 1;
            if !self.options.is_thorough && self.open.is_empty() {
                break;
            }
        }
        Found {
            graph: self.graph,
            efforts: self.efforts,
            covered,
            lengths: self.lengths,
        }
    }

    /// A level's nodes, as far as they are ours and some open pair is left in them.
    fn nodes_to_expand(&mut self, level: usize) -> Vec<u32> {
        let is_open = |node: &u32| {
            let class = self.graph.nodes[*node as usize].class;
            self.open.within(class) != 0
        };
        let mut nodes: Vec<u32> = self.graph.level(level).filter(is_open).collect();
        let Some(shard) = self.options.shard else {
            return nodes;
        };
        // All shards search the first levels alike, and then split one level among them: a split at the root would give
        // one shard nearly everything.
        let is_last = level + 1 == self.options.calls;
        if !self.is_split && (is_last || nodes.len() >= SPLIT * shard.of) {
            self.is_split = true;
            let mut place = 0;
            nodes.retain(|_| {
                place += 1;
                place % shard.of == shard.number % shard.of
            });
        }
        nodes
    }

    /// Expands nodes until all are done or a limit is reached; says how many were.
    fn expand_level(&mut self, level: usize, nodes: &[u32]) -> usize {
        let is_last = level + 1 == self.options.calls;
        self.efforts.push(Effort::default());
        let first_difference = self.graph.differences.len();
        let mut expanded = 0;
        for round in nodes.chunks(ROUND) {
            if self.is_over_limit() {
                break;
            }
            for part in self.expand_round(round, is_last) {
                self.take(part);
            }
            expanded += round.len();
        }
        self.note_lengths(level + 1, first_difference);
        expanded
    }

    fn is_over_limit(&self) -> bool {
        self.graph.nodes.len() > self.options.max_states
            || self.graph.bytes() > self.options.max_bytes
    }

    /// Pairs whose first difference is on this level have their shortest length.
    fn note_lengths(&mut self, calls: usize, first_difference: usize) {
        let found = &self.graph.differences[first_difference..];
        for ((a, b), length) in &mut self.lengths {
            if length.is_none() && found.iter().any(|found| found.parts(*a, *b)) {
                *length = Some(calls);
                // Unless longer programs are asked for too, nobody goes on for a pair that is told apart.
                if !self.options.is_thorough {
                    self.open.remove(*a, *b);
                }
            }
        }
    }

    fn shared(&self) -> Shared<'_> {
        Shared {
            policies: self.policies,
            vocabulary: self.vocabulary,
            options: self.options,
            roots: &self.roots,
            graph: &self.graph,
            open: &self.open,
            is_blind: self.is_blind,
        }
    }

    /// Several threads expand the nodes of a round; their parts come in order.
    fn expand_round(&self, nodes: &[u32], is_last: bool) -> Vec<Batch> {
        let chunks: Vec<&[u32]> = nodes.chunks(CHUNK).collect();
        let next = AtomicUsize::new(0);
        let parts: Vec<Mutex<Batch>> = chunks.iter().map(|_| Mutex::default()).collect();
        let work = || {
            let mut worker = Worker::new(self.shared(), is_last);
            loop {
                // Relaxed: the counter only deals out chunks. Who reads the parts has joined the threads first.
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(at) else {
                    break;
                };
                let part = worker.expand_chunk(chunk);
                *parts[at]
                    .lock()
                    .expect("no thread panics while it stores one") = part;
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.options.threads.min(chunks.len()) {
                scope.spawn(work);
            }
            work();
        });
        let parts = parts.into_iter().map(Mutex::into_inner);
        parts
            .map(|part| part.expect("every thread has ended well"))
            .collect()
    }

    fn take(&mut self, part: Batch) {
        let before = self.graph.nodes.len();
        for expansion in part.nodes {
            let mut edges = Vec::with_capacity(expansion.children.len());
            for (act, reached) in expansion.children {
                let target = match reached {
                    Reached::Known(node) => node,
                    Reached::Maybe(child) => self.graph.enter(child),
                };
                edges.push(Edge { act, target });
            }
            self.graph
                .expand(expansion.node, expansion.acts, edges.into_iter());
        }
        self.graph.differences.extend(part.differences);
        let new_states = (self.graph.nodes.len() - before) as u64;
        let effort = self.efforts.last_mut().expect("a level has begun");
        effort.states += new_states;
        effort.calls += part.effort.calls;
        effort.kernels += part.effort.kernels;
    }
}

/// Every state of all policies' worlds, whatever they answer.
pub(crate) struct Explored<'a> {
    vocabulary: &'a Vocabulary,
    graph: Graph,
    calls: usize,
}

/// Meets every state that programs of up to so many calls lead to, but for the last call.
///
/// For a kernel whose state cannot be seen: two programs count as one only if they are one under
/// every policy, as the kernel may have any.
pub(crate) fn explore<'a>(vocabulary: &'a Vocabulary, options: &Options) -> Explored<'a> {
    let options = Options {
        is_thorough: true,
        ..options.clone()
    };
    let mut search = Search::new(&Policy::ALL, &[], vocabulary, &options);
    search.is_blind = true;
    // Everybody's partner, so that there is somebody to go on for.
    for at in 1..Policy::ALL.len() {
        search.open.insert(0, at);
    }
    let found = search.run();
    Explored {
        vocabulary,
        graph: found.graph,
        calls: found.covered.calls,
    }
}

impl Explored<'_> {
    pub(crate) fn levels(&self) -> usize {
        self.calls
    }

    /// The programs that lead to a state of a level by its first path, and go on by one call:
    /// those that the policies answer differently, and the others.
    pub(crate) fn programs(&self, level: usize) -> [Vec<Vec<Act>>; 2] {
        let mut programs = [Vec::new(), Vec::new()];
        for node in self.graph.level(level) {
            let path = self.graph.path(node);
            let worlds: Vec<Kernel> = Policy::ALL
                .iter()
                .map(|policy| after(*policy, &path))
                .collect();
            let mut acts = Vec::new();
            self.vocabulary.acts(&worlds.iter(), &mut acts);
            for act in acts {
                let answers = worlds.iter().map(|world| {
                    let mut world = world.clone();
                    let caller = task(&world, act.who)?;
                    Some(world.call(caller, &act.syscall()))
                });
                let answers: Vec<_> = answers.collect();
                let are_alike = answers.windows(2).all(|two| two[0] == two[1]);
                let program = path.iter().copied().chain([act]).collect();
                programs[usize::from(are_alike)].push(program);
            }
        }
        programs
    }
}

/// The world after a program.
fn after(policy: Policy, program: &[Act]) -> Kernel {
    let mut world = empty_world(policy);
    for act in program {
        if let Some(caller) = task(&world, act.who) {
            world.call(caller, &act.syscall());
        }
    }
    world
}
