//! One thread's work: it makes every call that makes sense in a node, in all worlds at once.

use crate::act::Act;
use crate::graph::{Child, Difference, Graph, Node, Pairs};
use crate::options::{Effort, Options};
use crate::vocabulary::Vocabulary;
use crate::worlds::{Class, Digests, Group, Grouping, Run, Runs, Set, by_answer, task};
use eventpoll::{Kernel, Policy};

/// What one thread found in some nodes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) nodes: Vec<Expansion>,
    pub(crate) differences: Vec<Difference>,
    pub(crate) effort: Effort,
}

/// What one node led to.
#[derive(Debug)]
pub(crate) struct Expansion {
    pub(crate) node: u32,
    pub(crate) acts: usize,
    pub(crate) children: Vec<(Act, Reached)>,
}

/// Where a call led.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reached {
    Known(u32),
    Maybe(Child),
}

/// What all threads look at, while none changes it.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) policies: &'a [Policy],
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) options: &'a Options,
    /// Each policy's empty world.
    pub(crate) roots: &'a [Kernel],
    pub(crate) graph: &'a Graph,
    /// The pairs that are still to be told apart.
    pub(crate) open: &'a Pairs,
    /// Answers are not looked at: no class falls apart.
    pub(crate) is_blind: bool,
}

/// A thread's own memory.
pub(crate) struct Worker<'a> {
    shared: Shared<'a>,
    /// Nothing follows: states need not be told apart.
    is_last: bool,
    digests: Digests,
    acts: Vec<Act>,
    runs: Runs,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(shared: Shared<'a>, is_last: bool) -> Worker<'a> {
        Worker {
            shared,
            is_last,
            digests: Digests::default(),
            acts: Vec::new(),
            runs: Runs::default(),
        }
    }

    pub(crate) fn expand_chunk(&mut self, nodes: &[u32]) -> Batch {
        let mut part = Batch::default();
        for node in nodes {
            let expansion = self.expand(*node, &mut part);
            part.nodes.push(expansion);
        }
        part
    }

    /// Makes every call that makes sense in a node.
    fn expand(&mut self, node: u32, part: &mut Batch) -> Expansion {
        let class = self.class_of(node);
        // Both vectors go back at the end. A search expands millions of nodes, and the memory is the same for each.
        let mut acts = std::mem::take(&mut self.acts);
        let mut runs = std::mem::take(&mut self.runs);
        self.shared.vocabulary.acts(&class.worlds(), &mut acts);
        let mut expansion = Expansion {
            node,
            acts: acts.len(),
            children: Vec::new(),
        };
        for act in &acts {
            let is_shared = self.shared.options.is_shared;
            class.call(self.shared.policies, *act, is_shared, &mut runs);
            part.effort.kernels += runs.all.len() as u64;
            self.note(node, *act, &runs.all, part, &mut expansion);
        }
        part.effort.calls += acts.len() as u64;
        (self.acts, self.runs) = (acts, runs);
        expansion
    }

    /// The worlds of a node, made anew by its first program.
    fn class_of(&self, node: u32) -> Class {
        let Node {
            class, grouping, ..
        } = self.shared.graph.nodes[node as usize];
        let open = self.shared.open.within(class);
        let path = self.shared.graph.path(node);
        // A node keeps no kernel: to make one anew from a program of six calls is cheaper than to keep millions.
        // Policies that every open pair has left behind get none.
        let groups = grouping.groups(class).into_iter();
        let groups = groups.map(|members| members & open);
        let groups = groups.filter(|members| *members != 0).map(|members| {
            let mut world = self.shared.roots[members.trailing_zeros() as usize].clone();
            for act in &path {
                if let Some(caller) = task(&world, act.who) {
                    world.call(caller, &act.syscall());
                }
            }
            Group { members, world }
        });
        Class {
            groups: groups.collect(),
        }
    }

    /// Sorts a call's runs by answer, and each class of them by state.
    fn note(
        &mut self,
        node: u32,
        act: Act,
        runs: &[Run],
        part: &mut Batch,
        expansion: &mut Expansion,
    ) {
        let observed = &self.shared.options.observed;
        let is_observed =
            !self.shared.is_blind && (observed.is_empty() || observed.contains(&act.verb));
        let all = runs.iter().fold(0, |all, run| all | run.members);
        let classes = if is_observed && runs.len() > 1 {
            by_answer(runs)
        } else {
            vec![all]
        };
        if classes.len() > 1 {
            self.note_difference(node, act, &classes, all, part);
        }
        // No program is longer than the last level's: its answers count, its states do not.
        if self.is_last {
            return;
        }
        for class in classes {
            let class = self.shared.open.within(class);
            if class != 0 {
                let reached = self.reached(node, act, class, runs);
                expansion.children.push((act, reached));
            }
        }
    }

    fn note_difference(&self, node: u32, act: Act, classes: &[Set], all: Set, part: &mut Batch) {
        let is_news = self
            .shared
            .open
            .iter()
            .any(|(a, b)| parts_pair(classes, a, b));
        if is_news {
            part.differences.push(Difference {
                node,
                act,
                answers: Grouping::of(classes.iter().copied()),
                class: all,
            });
        }
    }

    fn reached(&mut self, parent: u32, act: Act, class: Set, runs: &[Run]) -> Reached {
        // Here the graph is only read, by all threads at once. New nodes are entered afterwards, in the order of their
        // parents, so the result does not depend on which thread was faster.
        let (key, grouping) = self.digests.class(runs, class);
        match self.shared.graph.find(key) {
            Some(known) => Reached::Known(known),
            None => Reached::Maybe(Child {
                key,
                node: Node {
                    parent,
                    act,
                    grouping,
                    class,
                },
            }),
        }
    }
}

/// True if the two are in different ones of these sets.
fn parts_pair(sets: &[Set], a: usize, b: usize) -> bool {
    let set_of = |at: usize| sets.iter().position(|set| set & (1 << at) != 0);
    matches!((set_of(a), set_of(b)), (Some(a), Some(b)) if a != b)
}
