//! The suite on the running kernel alone: which facts hold here.

use crate::backend::Running;
use crate::run::{Difference, run};
use crate::suite::Scenario;
use eventpoll::Policy;
use polter_live::ExecutorError;

/// A scenario, and whether it holds on the running kernel.
#[derive(Debug)]
pub struct Fact {
    /// The scenario's file name, without its ending.
    pub name: &'static str,
    /// Its first comment: what it shows.
    pub title: String,
    /// What the running kernel said to it.
    pub standing: Standing,
}

/// Whether a fact holds.
#[derive(Debug)]
pub enum Standing {
    /// Every call was answered as written.
    Held,
    /// This one was not.
    Broken(Box<Difference>),
    /// It could not be run to its end, which it should have been.
    Failed(ExecutorError),
    /// No kernel can run it, or not this one.
    Skipped(String),
}

/// Runs scenarios on the kernel under us, one after the other, in fresh worlds.
#[derive(Debug, Default)]
pub struct Conformance {
    policy: Policy,
    running: Option<Running>,
}

impl Conformance {
    /// Starts the kernel's side; the answers expected are those under `policy`.
    pub fn start(policy: Policy) -> Result<Conformance, ExecutorError> {
        let mut conformance = Conformance {
            policy,
            running: None,
        };
        conformance.world(eventpoll::Pid(100))?;
        Ok(conformance)
    }

    /// Runs one scenario. An error means that no more can be run.
    pub fn check(&mut self, scenario: &Scenario) -> Result<Fact, ExecutorError> {
        let script = scenario.script().expect("the suite's scripts are tested");
        let policy = self.policy;
        let running = self.world(script.first())?;
        let standing = match run(&script, policy, running) {
            Ok(None) => Standing::Held,
            Ok(Some(difference)) => Standing::Broken(Box::new(difference)),
            Err(ExecutorError::NotAvailable(what)) => {
                Standing::Skipped(format!("no running kernel has this: {what}"))
            }
            Err(error) => {
                // Whatever state it is in, the next scenario does not begin there.
                self.running = None;
                Standing::Failed(error)
            }
        };
        Ok(Fact {
            name: scenario.name,
            title: script.title,
            standing,
        })
    }

    /// A fresh world on the kernel; cheap after the first.
    fn world(&mut self, first: eventpoll::Pid) -> Result<&mut Running, ExecutorError> {
        let running = match self.running.take() {
            Some(mut running) => {
                running.restart(first)?;
                running
            }
            None => Running::start(first)?,
        };
        Ok(self.running.insert(running))
    }
}
