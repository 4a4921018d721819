//! The conformance suite, run on this kernel: every fact, and whether it holds.

use eventpoll::{Policy, Version};
use polter_check::{Conformance, Fact, Running, Scenario, Standing};

use crate::failure::Failure;

/// The result of the whole suite.
#[derive(Debug)]
pub(super) struct Suite {
    /// The kernel's release, as uname(2) has it.
    pub(super) release: String,
    /// The version whose answers are expected.
    pub(super) version: Version,
    /// The policy whose answers are expected.
    pub(super) policy: Policy,
    /// Every scenario, by name.
    pub(super) facts: Vec<Fact>,
}

impl Suite {
    /// Runs every scenario.
    pub(super) fn run(policy: Policy) -> Result<Suite, Failure> {
        let mut conformance = Conformance::start(policy)?;
        let release = Running::release();
        let facts = Scenario::ALL.iter();
        Ok(Suite {
            version: release.parse().unwrap_or_default(),
            release,
            policy,
            facts: facts
                .map(|scenario| conformance.check(scenario))
                .collect::<Result<_, _>>()?,
        })
    }

    /// How many hold, are broken, are skipped.
    pub(super) fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for fact in &self.facts {
            let place = match fact.standing {
                Standing::Held => 0,
                Standing::Broken(_) | Standing::Failed(_) => 1,
                Standing::Skipped(_) => 2,
            };
            counts[place] += 1;
        }
        counts
    }
}
