//! The demo, as it is shown: its log to the letter, its live part but for figures.

use std::io::Write as _;

use serde_json::Value;

use crate::polter::polter;

#[test]
fn the_demo_tells_its_story() {
    let ran = polter(["demo"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    insta::assert_snapshot!(parts(&ran.out()).0);
}

#[test]
fn the_demo_frees_a_program_of_its_own_and_leaves_none_behind() {
    let out = polter(["demo"]).out();
    let live = parts(&out).1;
    if !is_permitted(live) {
        return;
    }
    let said = ["fork ghost", "removed   fd", "wakes up 0 times a second"];
    assert!(said.iter().all(|words| live.contains(words)), "{live}");
    let pid = live.split("polter exorcise --yes ").nth(1).unwrap();
    let pid = pid.lines().next().unwrap();
    assert!(!std::path::Path::new("/proc").join(pid).exists());
}

#[test]
fn nobody_hears_of_the_verb_it_uses() {
    assert!(!polter(["--help"]).out().contains("haunt "));
    // It follows whoever started it, and this is not the one.
    let ran = polter(["demo-worker", "1"]);
    assert_eq!((ran.code, ran.out()), (Some(0), String::new()));
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
    let out = polter(["demo"]).out();
    let (_, live) = parts(&out);
    if !is_permitted(live) {
        return;
    }
    let (_, block) = readme
        .split_once("```text\n$ polter scan --spin")
        .expect("README.md shows what a scan prints");
    let (block, _) = block.split_once("```").expect("the block ends");
    let shown: Vec<&str> = block.lines().skip(1).collect();
    assert!(shown.len() <= 25, "{} lines are too many", shown.len());
    // A line with an ellipsis stands for some that are left out.
    let live = without_figures(live);
    let parts: Vec<&str> = block.split("\n…\n").skip(1).collect();
    assert!(parts.len() > 1, "the scan and the removal are shown");
    let mut at = 0;
    for part in parts {
        let part = without_figures(part);
        let found = (at..=live.len() - part.len()).find(|at| live[*at..].starts_with(&part));
        at = found.unwrap_or_else(|| panic!("`polter demo` prints no {part:?} in {live:?}"));
    }
}

/// What comes of the log, and what comes of the program of its own.
fn parts(out: &str) -> (&str, &str) {
    let at = out.find(LIVE).expect("there is a live part");
    out.split_at(at)
}

const LIVE: &str = "The same, live\n";

/// The words, each number as `#`; how busy the worker was is another thing each time.
fn without_figures(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("    spin "));
    let words = lines.flat_map(str::split_whitespace);
    let masked = words.map(|word| {
        let parts: Vec<&str> = word.split(|c: char| c.is_ascii_digit()).collect();
        let texts = parts.iter().filter(|part| !part.is_empty());
        let texts: Vec<&str> = texts.copied().collect();
        let figure = if parts.len() > 1 { "#" } else { "" };
        texts.join("#") + figure
    });
    masked.collect()
}

fn is_permitted(live: &str) -> bool {
    let is_permitted = !live.contains("not permitted");
    if !is_permitted {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: kcmp(2) or pidfd_getfd(2) is not permitted here; the demo would free its own worker"
        );
    }
    is_permitted
}
