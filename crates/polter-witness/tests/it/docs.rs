//! docs/witnesses.md says what the search finds.

use crate::matrix::thorough;

const PAGE: &str = include_str!("../../../../docs/witnesses.md");

#[test]
fn the_page_lists_what_tells_each_pair_apart() {
    let page: Vec<&str> = PAGE.lines().collect();
    for pair in &thorough().pairs {
        let [a, b] = pair.policies;
        let calls = pair.calls.expect("every pair is told apart");
        let head = format!("{a} and {b}: {calls} calls tell them apart; ");
        let at = page.iter().position(|line| line.starts_with(&head));
        let at = at.unwrap_or_else(|| panic!("not there: {head}"));
        let counts = format!("; {} shorter ", number(pair.alike));
        assert!(page[at].contains(&counts), "{}: not {counts}", page[at]);
        let kinds = page[at + 2..]
            .iter()
            .take_while(|line| line.starts_with("- "));
        let kinds: Vec<&str> = kinds.map(|line| kind(line)).collect();
        let found: Vec<&str> = pair.plainest().iter().map(|w| w.idiom.as_str()).collect();
        assert_eq!(kinds, found, "{head}");
    }
}

/// What a line `- the child's exit (40 programs)` is about.
fn kind(line: &str) -> &str {
    let words = line.trim_start_matches("- ");
    words.rsplit_once(" (").map_or(words, |(kind, _)| kind)
}

/// A number with its thousands apart.
fn number(value: u128) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are text"))
        .collect();
    groups.join(",")
}
