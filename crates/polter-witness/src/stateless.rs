//! The same search done in the plainest way: every program, each from the beginning, and nothing
//! remembered.
//!
//! It is there to be compared with: it must find the same, count the same, and be slower.

use crate::act::Act;
use crate::vocabulary::Vocabulary;
use crate::worlds::{empty_world, task};
use eventpoll::{Kernel, Outcome, Policy};

/// What the plain search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stateless {
    /// Of each length, from 1 on: the programs whose prefixes are answered alike.
    pub compared: Vec<u128>,
    /// Those of them that are answered alike to the end.
    pub alike: Vec<u128>,
    /// The calls that were made.
    pub calls: u64,
}

impl Stateless {
    /// The length of the shortest programs that tell the two apart.
    pub fn shortest(&self) -> Option<usize> {
        let told = |(compared, alike): (&u128, &u128)| compared != alike;
        let found = self.compared.iter().zip(&self.alike).position(told);
        found.map(|at| at + 1)
    }
}

/// Runs every program of up to so many calls under two policies.
pub fn stateless(policies: [Policy; 2], vocabulary: &Vocabulary, calls: usize) -> Stateless {
    let mut found = Stateless {
        compared: vec![0; calls],
        alike: vec![0; calls],
        calls: 0,
    };
    found.extend(policies, vocabulary, &mut Vec::new(), calls);
    found
}

impl Stateless {
    /// Runs every program that begins with this one and is longer.
    fn extend(
        &mut self,
        policies: [Policy; 2],
        vocabulary: &Vocabulary,
        program: &mut Vec<Act>,
        calls: usize,
    ) {
        if program.len() == calls {
            return;
        }
        let worlds = policies.map(|policy| self.run_program(policy, program).0);
        let mut acts = Vec::new();
        vocabulary.acts(&worlds.iter(), &mut acts);
        let at = program.len();
        for act in acts {
            program.push(act);
            let [a, b] = policies.map(|policy| self.run_program(policy, program).1);
            self.compared[at] += 1;
            if a == b {
                self.alike[at] += 1;
                self.extend(policies, vocabulary, program, calls);
            }
            program.pop();
        }
    }

    /// The world after a program, and the answer to its last call.
    fn run_program(&mut self, policy: Policy, program: &[Act]) -> (Kernel, Option<Outcome>) {
        let mut world = empty_world(policy);
        let mut last = None;
        for act in program {
            if let Some(caller) = task(&world, act.who) {
                last = Some(world.call(caller, &act.syscall()));
                self.calls += 1;
            }
        }
        (world, last)
    }
}
