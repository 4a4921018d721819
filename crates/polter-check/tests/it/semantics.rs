//! `docs/semantics.md` has every rule, and names scenarios that exist.

use crate::scenarios;
use std::path::Path;

/// How many rules there are.
const RULES: usize = 52;

/// A row of a table.
#[derive(Debug)]
struct Rule {
    number: usize,
    /// The last column.
    shown_by: String,
}

impl Rule {
    fn read(row: &str) -> Option<Rule> {
        let cells: Vec<&str> = row.strip_prefix('|')?.split('|').map(str::trim).collect();
        let [number, _, _, shown_by, _] = cells[..] else {
            return None;
        };
        Some(Rule {
            number: number.parse().ok()?,
            shown_by: shown_by.to_string(),
        })
    }

    fn scenarios(&self) -> impl Iterator<Item = &str> {
        self.shown_by.split('`').skip(1).step_by(2)
    }
}

fn rules() -> Vec<Rule> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/semantics.md");
    let text = std::fs::read_to_string(path).expect("the rules are there");
    text.lines().filter_map(Rule::read).collect()
}

#[test]
fn every_rule_is_there_once_and_in_order() {
    let numbers: Vec<usize> = rules().iter().map(|rule| rule.number).collect();
    assert_eq!(numbers, Vec::from_iter(1..=RULES));
}

#[test]
fn every_rule_is_shown_by_a_scenario_that_exists_or_says_why_not() {
    let scenarios = scenarios::all();
    for rule in rules() {
        let has_reason = rule.shown_by.starts_with("none: ");
        assert!(
            has_reason != (rule.scenarios().count() > 0),
            "rule {} has scenarios or a reason",
            rule.number
        );
        for name in rule.scenarios() {
            assert!(
                scenarios.contains_key(name),
                "rule {} names {name}, which is no scenario",
                rule.number
            );
        }
    }
}
