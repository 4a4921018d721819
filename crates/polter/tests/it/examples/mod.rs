//! Every example of the help texts and of README.md runs, and does what is said of it.
//!
//! The examples are read off the real texts. One that [`rows`] does not know fails the test, and so
//! does a row that no text has any more.

mod rows;
mod surroundings;

use std::collections::BTreeSet;
use std::io::Write as _;

use rows::{CI, README, ROWS, Row, Way};
use surroundings::Surroundings;

use crate::polter::polter;

const VERBS: [&str; 19] = [
    "",
    "demo",
    "judge",
    "report",
    "watch",
    "run",
    "record",
    "check",
    "witness",
    "race",
    "scan",
    "why",
    "capture",
    "exorcise",
    "export",
    "top",
    "lab",
    "completions",
    "man",
];

#[test]
fn every_verb_is_looked_at() {
    let help = polter(["--help"]).out();
    let (_, commands) = help.split_once("Commands:\n").expect("there are commands");
    let (commands, _) = commands.split_once("\n\n").expect("options follow");
    for line in commands.lines().filter(|line| line.starts_with("  ")) {
        let verb = line.split_whitespace().next().unwrap_or_default();
        if !line.starts_with("   ") && verb != "help" {
            assert!(VERBS.contains(&verb), "{verb} is not looked at");
        }
    }
}

#[test]
fn every_example_of_every_help_text_does_what_it_says() {
    let mut examples = BTreeSet::new();
    for verb in VERBS {
        let help = match verb {
            "" => polter(["--help"]).out(),
            verb => polter([verb, "--help"]).out(),
        };
        let found = of_help(&help);
        assert!(!found.is_empty(), "{verb} has no examples");
        examples.extend(found);
    }
    run_all(&examples, ROWS);
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let readme = include_str!("../../../../../README.md");
    let examples = of_readme(readme);
    assert!(!examples.is_empty());
    run_all(&examples, README);
}

#[test]
fn every_command_of_the_page_on_ci_does_what_it_says() {
    let page = include_str!("../../../../../docs/ci.md");
    let jobs = of_jobs(page);
    assert_eq!(jobs.len(), 2, "a job for each host: {jobs:?}");
    let examples = of_readme(page).into_iter().chain(jobs);
    run_all(&examples.collect(), CI);
}

/// The commands of ours in blocks of YAML.
fn of_jobs(page: &str) -> BTreeSet<String> {
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    let steps = lines.filter_map(|line| line.trim_start().strip_prefix("- "));
    let commands = steps.map(|step| step.strip_prefix("run: ").unwrap_or(step));
    commands
        .filter(|command| command.starts_with("polter "))
        .map(command_of)
        .collect()
}

/// The commands below `Examples:`, without what is said of them.
fn of_help(help: &str) -> BTreeSet<String> {
    let (_, below) = help.split_once("\nExamples:\n").unwrap_or_default();
    let lines = below.lines().take_while(|line| !line.is_empty());
    let commands = lines.filter(|line| !line.starts_with("   "));
    commands.map(|line| command_of(line.trim_start())).collect()
}

/// The lines with a prompt in blocks of a console.
fn of_readme(readme: &str) -> BTreeSet<String> {
    let blocks = readme.split("```console\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    let commands = lines.filter_map(|line| line.strip_prefix("$ "));
    commands.map(command_of).collect()
}

/// Without the comment, which follows two spaces or more.
fn command_of(line: &str) -> String {
    let end = line.find("  ").unwrap_or(line.len());
    line[..end].to_owned()
}

#[track_caller]
fn run_all(examples: &BTreeSet<String>, rows: &[Row]) {
    let known: BTreeSet<String> = rows.iter().map(|row| row.0.to_owned()).collect();
    let unknown: Vec<_> = examples.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "these examples are not run: {unknown:#?}"
    );
    let gone: Vec<_> = known.difference(examples).collect();
    assert!(gone.is_empty(), "no text has these any more: {gone:#?}");
    let mut broken = Vec::new();
    for (line, way) in rows {
        let outcome = match way {
            Way::Run(code, says) => check(line, *code, says),
            Way::After(before, code, says) => check(&format!("{before}; {line}"), *code, says),
            Way::Needs(_, is_there_fn, code, says) if is_there_fn() => check(line, *code, says),
            Way::Needs(what, ..) => {
                say(format_args!("skipped: `{line}` needs {what}"));
                Ok(())
            }
            Way::Elsewhere(why) => {
                say(format_args!("not run here: `{line}`: {why}"));
                Ok(())
            }
        };
        broken.extend(outcome.err());
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

/// Runs an example on a around of its own; says what it does otherwise than expected.
fn check(line: &str, code: i32, says: &[&str]) -> Result<(), String> {
    let ran = Surroundings::new().run(line);
    let told = format!("{}{}", String::from_utf8_lossy(&ran.stdout), ran.err());
    if ran.code != Some(code) {
        return Err(format!(
            "`{line}` ends with {:?}, and says:\n{told}",
            ran.code
        ));
    }
    let missing = says.iter().find(|words| !told.contains(**words));
    match missing {
        Some(words) => Err(format!("`{line}` does not say {words:?}, but:\n{told}")),
        None => Ok(()),
    }
}

fn say(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
