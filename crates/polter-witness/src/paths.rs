//! Every shortest program to a state.

use crate::act::Act;
use crate::graph::Graph;

/// The edges from each level to the next, backwards.
#[derive(Debug)]
pub(crate) struct Paths {
    /// Where each node's edges begin; one more at the end.
    first: Vec<u32>,
    edges: Vec<(u32, Act)>,
}

impl Paths {
    pub(crate) fn of(graph: &Graph) -> Paths {
        let mut first = vec![0_u32; graph.nodes.len() + 1];
        for (_, _, target) in steps(graph) {
            first[target as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut next = first.clone();
        let none = (0, Act::plain(0, crate::Verb::Exit));
        let mut edges = vec![none; first[graph.nodes.len()] as usize];
        for (source, act, target) in steps(graph) {
            let place = &mut next[target as usize];
            edges[*place as usize] = (source, act);
            *place += 1;
        }
        Paths { first, edges }
    }

    /// The shortest programs that lead to a node, at most so many, the first ones first.
    pub(crate) fn to(&self, node: u32, limit: usize) -> Vec<Vec<Act>> {
        let mut programs = Vec::new();
        let mut tail = Vec::new();
        self.walk(node, limit, &mut tail, &mut programs);
        programs
    }

    fn walk(&self, node: u32, limit: usize, tail: &mut Vec<Act>, programs: &mut Vec<Vec<Act>>) {
        if programs.len() >= limit {
            return;
        }
        if node == 0 {
            programs.push(tail.iter().rev().copied().collect());
            return;
        }
        let node = node as usize;
        let edges = self.first[node] as usize..self.first[node + 1] as usize;
        for (source, act) in &self.edges[edges] {
            tail.push(*act);
            self.walk(*source, limit, tail, programs);
            tail.pop();
        }
    }
}

/// The edges that lead one level further.
fn steps(graph: &Graph) -> impl Iterator<Item = (u32, Act, u32)> + '_ {
    (0..)
        .map_while(move |level| {
            let nodes = graph.level(level);
            if nodes.is_empty() {
                return None;
            }
            let next = graph.level(level + 1);
            Some(nodes.flat_map(move |node| {
                let further = next.clone();
                let edges = graph.edges(node).iter();
                let edges = edges.filter(move |edge| further.contains(&edge.target));
                edges.map(move |edge| (node, edge.act, edge.target))
            }))
        })
        .flatten()
}
