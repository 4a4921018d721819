//! `polter check --conformance`: which facts about epoll hold on this kernel.

use std::io::Write;

use eventpoll::{Policy, Version};
use polter_check::{Conformance, Fact, Running, Scenario, Standing};

use super::{json, junit, text};
use crate::cli::CheckFormat;
use crate::exit::Exit;
use crate::failure::Failure;

/// The whole suite, run.
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

/// Runs the suite and writes the table.
pub(super) fn check(
    format: CheckFormat,
    policy: Policy,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let suite = Suite::run(policy)?;
    match format {
        CheckFormat::Text => text::write_suite(out, &suite)?,
        CheckFormat::Json => json::write_suite(out, &suite)?,
        CheckFormat::Junit => junit::write_suite(out, &suite)?,
    }
    out.flush()?;
    let [_, broken, _] = suite.counts();
    Ok(if broken > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

impl Suite {
    fn run(policy: Policy) -> Result<Suite, Failure> {
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
