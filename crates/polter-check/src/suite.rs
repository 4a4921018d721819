//! The suite: every scenario, as part of the library.

use crate::script::{Script, ScriptError};

/// A script under `scenarios/`: one fact about epoll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// The file's name, without its ending.
    pub name: &'static str,
    /// The whole script, as it is in the file.
    pub text: &'static str,
}

impl Scenario {
    /// Every scenario, by name.
    pub const ALL: &[Scenario] = include!(concat!(env!("OUT_DIR"), "/suite.rs"));

    /// Parses the text; an error is a fault of the file.
    pub fn script(&self) -> Result<Script, ScriptError> {
        Script::parse(self.text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_a_script_with_a_title() {
        assert!(Scenario::ALL.len() > 40);
        for scenario in Scenario::ALL {
            let script = scenario.script().unwrap();
            assert!(!script.title.is_empty(), "{}", scenario.name);
        }
    }
}
