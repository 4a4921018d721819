//! What a search has found so far: states, the calls between them, and where answers differ.
//!
//! ```text
//!   node ──call──▶ node ──call──▶ node ──call──▶ difference
//!   level 0        level 1        level 2
//! ```
//!
//! A node is a state of several worlds that some program leads to; its level is the length of
//! the shortest one. Other programs lead to it too: they are the ways along the edges.

use crate::act::Act;
use crate::worlds::{Grouping, Set, members};
use rustc_hash::FxHashMap;

/// A state of some worlds that were not told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// Where the first program that led here came from, and by which call.
    pub(crate) parent: u32,
    pub(crate) act: Act,
    pub(crate) grouping: Grouping,
    /// The policies.
    pub(crate) class: Set,
}

/// A call from one state to another, or to the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) act: Act,
    pub(crate) target: u32,
}

/// A call that the worlds of a node answer differently.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    pub(crate) node: u32,
    pub(crate) act: Act,
    /// Who answers alike.
    pub(crate) answers: Grouping,
    pub(crate) class: Set,
}

/// A call's new state, before it is known whether it is new.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Child {
    pub(crate) key: u128,
    pub(crate) node: Node,
}

/// States, calls and differences.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    known: FxHashMap<u128, u32>,
    /// The first node of each level.
    levels: Vec<u32>,
    edges: Vec<Edge>,
    /// Of each expanded node: where its edges end, and how many calls it has.
    expanded: FxHashMap<u32, Expanded>,
    pub(crate) differences: Vec<Difference>,
}

/// A node whose calls have been made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expanded {
    first_edge: u32,
    edges: u16,
    /// The calls that were made, those that told everybody apart included.
    pub(crate) acts: u16,
}

/// What the memory of one thing is taken to be, tables' slack included.
const NODE_BYTES: usize = size_of::<Node>() + 2 * size_of::<(u128, u32)>() + 24;

impl Graph {
    /// The state before the first call.
    pub(crate) fn new(class: Set) -> Graph {
        let root = Node {
            parent: 0,
            act: Act::plain(0, crate::Verb::Exit),
            grouping: Grouping(0),
            class,
        };
        Graph {
            nodes: vec![root],
            levels: vec![0],
            ..Graph::default()
        }
    }

    /// A level begins.
    pub(crate) fn begin_level(&mut self) {
        self.levels.push(self.nodes.len() as u32);
    }

    /// The nodes of a level.
    pub(crate) fn level(&self, level: usize) -> std::ops::Range<u32> {
        let end = self.nodes.len() as u32;
        let first = self.levels.get(level).copied().unwrap_or(end);
        first..self.levels.get(level + 1).copied().unwrap_or(end)
    }

    /// The length of the shortest program that leads to a node.
    pub(crate) fn level_of(&self, node: u32) -> usize {
        self.levels.partition_point(|first| *first <= node) - 1
    }

    /// A state that is known already.
    pub(crate) fn find(&self, key: u128) -> Option<u32> {
        self.known.get(&key).copied()
    }

    /// The node of a state, made if it is new.
    pub(crate) fn enter(&mut self, child: Child) -> u32 {
        let next = self.nodes.len() as u32;
        let node = *self.known.entry(child.key).or_insert(next);
        if node == next {
            self.nodes.push(child.node);
        }
        node
    }

    /// A node's calls have been made.
    pub(crate) fn expand(&mut self, node: u32, acts: usize, edges: impl Iterator<Item = Edge>) {
        let first_edge = self.edges.len() as u32;
        self.edges.extend(edges);
        let expanded = Expanded {
            first_edge,
            edges: (self.edges.len() as u32 - first_edge) as u16,
            acts: acts as u16,
        };
        self.expanded.insert(node, expanded);
    }

    /// The edges out of a node, if its calls have been made.
    pub(crate) fn edges(&self, node: u32) -> &[Edge] {
        let Some(expanded) = self.expanded.get(&node) else {
            return &[];
        };
        let first = expanded.first_edge as usize;
        &self.edges[first..first + usize::from(expanded.edges)]
    }

    /// How many calls a node has, if they have been made.
    pub(crate) fn acts(&self, node: u32) -> Option<u16> {
        self.expanded.get(&node).map(|expanded| expanded.acts)
    }

    /// The calls that lead to a node, the first program's.
    pub(crate) fn path(&self, mut node: u32) -> Vec<Act> {
        let mut acts = Vec::new();
        while node != 0 {
            let Node { parent, act, .. } = self.nodes[node as usize];
            acts.push(act);
            node = parent;
        }
        acts.reverse();
        acts
    }

    /// About how many bytes all this takes.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.len() * NODE_BYTES
            + self.edges.len() * size_of::<Edge>()
            + self.expanded.len() * 2 * size_of::<(u32, Expanded)>()
            + self.differences.len() * size_of::<Difference>()
    }
}

impl Difference {
    /// True if these two answer differently.
    pub(crate) fn parts(&self, a: usize, b: usize) -> bool {
        let has = |at: usize| self.class & (1 << at) != 0;
        let answer = |at: usize| self.answers.0 >> (3 * at) & 7;
        has(a) && has(b) && answer(a) != answer(b)
    }
}

/// Pairs of policies: for each the set of its partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pairs([Set; Set::BITS as usize]);

impl Pairs {
    pub(crate) fn insert(&mut self, a: usize, b: usize) {
        self.0[a] |= 1 << b;
        self.0[b] |= 1 << a;
    }

    pub(crate) fn remove(&mut self, a: usize, b: usize) {
        self.0[a] &= !(1 << b);
        self.0[b] &= !(1 << a);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|partners| *partners == 0)
    }

    /// Each pair once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.0.len()).flat_map(|a| {
            members(self.0[a])
                .filter(move |b| a < *b)
                .map(move |b| (a, b))
        })
    }

    /// Those of a class that have a partner in it.
    pub(crate) fn within(&self, class: Set) -> Set {
        members(class)
            .filter(|at| self.0[*at] & class != 0)
            .fold(0, |set, at| set | 1 << at)
    }
}
