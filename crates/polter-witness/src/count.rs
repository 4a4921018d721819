//! How many programs the states stand for.
//!
//! A search makes each call once in each state. The programs it has thereby covered are the ways
//! through the graph: so many, that they are counted and not walked.

use crate::graph::Graph;
use crate::worlds::Set;

/// The programs of each length, by the policies they did not tell apart.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Of each length: the classes, and the programs that end in states of each.
    alike: Vec<Vec<(Set, u128)>>,
    /// Of each length: the same, one call more.
    longer: Vec<Vec<(Set, u128)>>,
}

impl Counts {
    /// Counts the programs of up to so many calls.
    pub(crate) fn of(graph: &Graph, calls: usize) -> Counts {
        let mut counts = Counts {
            alike: Vec::new(),
            longer: Vec::new(),
        };
        let mut ways = vec![0_u128; graph.nodes.len()];
        ways[0] = 1;
        for length in 0..calls {
            let (mut alike, mut longer) = (Vec::new(), Vec::new());
            let mut next = vec![0_u128; graph.nodes.len()];
            for (node, ways) in ways.iter().enumerate().filter(|(_, ways)| **ways > 0) {
                let class = graph.nodes[node].class;
                add(&mut alike, class, *ways);
                let acts = graph.acts(node as u32).unwrap_or(0);
                add(&mut longer, class, ways.saturating_mul(acts.into()));
                if length + 1 < calls {
                    for edge in graph.edges(node as u32) {
                        let target = &mut next[edge.target as usize];
                        *target = target.saturating_add(*ways);
                    }
                }
            }
            counts.alike.push(alike);
            counts.longer.push(longer);
            ways = next;
        }
        counts
    }

    /// The programs of up to so many calls, the empty one left out, that these two answer alike.
    pub(crate) fn alike(&self, a: usize, b: usize, calls: usize) -> u128 {
        let lengths = self.alike.iter().take(calls + 1).skip(1);
        lengths.map(|sums| sum(sums, a, b)).sum()
    }

    /// The programs of exactly so many calls whose answers were compared.
    pub(crate) fn compared(&self, a: usize, b: usize, calls: usize) -> u128 {
        let before = calls.checked_sub(1).and_then(|last| self.longer.get(last));
        before.map_or(0, |sums| sum(sums, a, b))
    }
}

fn add(sums: &mut Vec<(Set, u128)>, class: Set, ways: u128) {
    match sums.iter_mut().find(|(known, _)| *known == class) {
        Some((_, sum)) => *sum = sum.saturating_add(ways),
        None => sums.push((class, ways)),
    }
}

fn sum(sums: &[(Set, u128)], a: usize, b: usize) -> u128 {
    let both: Set = 1 << a | 1 << b;
    let both = sums.iter().filter(|(class, _)| class & both == both);
    both.map(|(_, ways)| *ways).sum()
}
