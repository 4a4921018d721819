//! The demo, as it is shown.

use serde_json::Value;

use crate::polter::polter;

#[test]
fn the_demo_tells_its_story() {
    let ran = polter(["demo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    insta::assert_snapshot!(ran.out());
}

#[test]
fn the_demo_is_followed_to_the_letter() {
    let ran = polter(["demo", "--format", "json"]);
    let value: Value = serde_json::from_str(&ran.out()).unwrap();
    assert_eq!(value["log"]["warning_count"], 0);
    assert_eq!(value["log"]["assumed"], 0);
}

#[test]
fn the_readme_shows_the_demo_as_it_is() {
    let readme = include_str!("../../../../README.md");
    let shown: Vec<String> = polter(["demo"])
        .out()
        .lines()
        .map(|line| line.trim_end().to_string())
        .collect();
    assert!(
        readme.contains(shown.join("\n").trim_end()),
        "README.md shows what `polter demo` printed once"
    );
}
