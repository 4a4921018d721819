//! What the documents say of the source is so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::polter::polter;

#[test]
fn the_crates_depend_on_what_the_architecture_says() {
    let mut found = BTreeMap::new();
    for dir in folders(&root().join("crates")) {
        let manifest = fs::read_to_string(dir.join("Cargo.toml")).expect("each has a manifest");
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        found.insert(name, dependencies(&manifest));
    }
    let others = found
        .keys()
        .filter(|name| *name != "polter" && *name != "haunted");
    let all_others: BTreeSet<String> = others.cloned().collect();
    let said: BTreeMap<String, BTreeSet<String>> = rows_below("## The crates")
        .map(|row| {
            let name = names(&row[0]).pop_first().expect("a crate");
            let needs = match row[2].trim().strip_prefix("all but ") {
                Some(but) => all_others.difference(&names(but)).cloned().collect(),
                None => names(&row[2]),
            };
            (name, needs)
        })
        .collect();
    assert_eq!(said, found);
}

#[test]
fn the_models_rooms_are_those_of_the_architecture() {
    let said: BTreeSet<String> = rows_below("## The model: `eventpoll`")
        .flat_map(|row| names(&row[0]))
        .collect();
    let src = root().join("crates/eventpoll/src");
    let mut found = BTreeSet::new();
    for room in folders(&src) {
        found.extend([room.clone()].into_iter().chain(folders(&room)));
    }
    // A file's own folder is a part of the file.
    found
        .retain(|room| !room.with_extension("rs").exists() && !room.ends_with("kernel/invariants"));
    let found: BTreeSet<String> = found
        .iter()
        .map(|room| format!("{}/", room.strip_prefix(&src).unwrap().display()))
        .collect();
    assert_eq!(said, found);
}

#[test]
fn the_judges_rooms_and_files_are_those_of_the_architecture() {
    let heading = "## The judge: `polter-judge`";
    let said: BTreeSet<String> = rows_below(heading).flat_map(|row| names(&row[0])).collect();
    let src = root().join("crates/polter-judge/src");
    let found: BTreeSet<String> = folders(&src)
        .iter()
        .map(|room| format!("{}/", room.strip_prefix(&src).unwrap().display()))
        .collect();
    assert_eq!(said, found);
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let section = text.split(heading).nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    for file in names(section).iter().filter(|name| name.ends_with(".rs")) {
        assert!(src.join(file).exists(), "no {file}");
    }
}

#[test]
fn the_scanners_rooms_and_files_are_those_of_the_documents() {
    let heading = "## The scanner: `polter-scan`";
    let said: BTreeSet<String> = rows_below(heading).flat_map(|row| names(&row[0])).collect();
    let src = root().join("crates/polter-scan/src");
    let rooms = folders(&src);
    let found: BTreeSet<String> = rooms
        .iter()
        .map(|room| format!("{}/", room.strip_prefix(&src).unwrap().display()))
        .collect();
    assert_eq!(said, found);
    let page = fs::read_to_string(root().join("docs/scan.md")).expect("docs/scan.md");
    for file in names(&page).iter().filter(|name| name.ends_with(".rs")) {
        let mut places = [src.clone()].into_iter().chain(rooms.clone());
        assert!(places.any(|place| place.join(file).exists()), "no {file}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for (link, place) in links(&text) {
            let path = page.parent().unwrap().join(place);
            assert!(path.exists(), "{}: {link} leads nowhere", page.display());
        }
    }
}

#[test]
fn every_document_that_a_help_text_names_is_there() {
    let mut named = 0;
    for verb in [
        "judge", "run", "check", "witness", "race", "scan", "why", "capture", "exorcise", "lab",
        "demo",
    ] {
        let help = polter([verb, "--help"]).out();
        let words = help.split(|c: char| c.is_whitespace() || ",;()".contains(c));
        for word in words.map(|word| word.trim_end_matches('.')) {
            if word.starts_with("docs/") {
                named += 1;
                assert!(root().join(word).exists(), "{verb} --help names {word}");
            }
        }
    }
    assert!(named > 0);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the first table below a heading, without its head.
fn rows_below(heading: &str) -> impl Iterator<Item = Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, below) = text
        .split_once(heading)
        .unwrap_or_else(|| panic!("no {heading}"));
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = rows.map(|row| {
        row.trim_matches('|')
            .split(" | ")
            .map(str::to_owned)
            .collect()
    });
    cells.collect::<Vec<_>>().into_iter()
}

/// What stands in backticks.
fn names(text: &str) -> BTreeSet<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The crates of ours below `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let lines = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    let is_ours =
        |name: &&str| name.starts_with("polter") || ["eventpoll", "haunted"].contains(name);
    names.filter(is_ours).map(str::to_owned).collect()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![
        root().join("README.md"),
        root().join("ARCHITECTURE.md"),
        root().join("CHANGELOG.md"),
        root().join("kernels/README.md"),
        root().join("node/README.md"),
        root().join("python/README.md"),
    ];
    let entries = fs::read_dir(root().join("docs")).expect("a folder");
    let entries = entries.map(|entry| entry.unwrap().path());
    pages.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    pages
}

/// The links of a page that lead to files: as they stand, and without their anchors.
fn links(text: &str) -> Vec<(&str, &str)> {
    let found = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let found = found.map(|(link, _)| (link, link.split('#').next().unwrap_or_default()));
    found
        .filter(|(link, place)| !place.is_empty() && !link.contains("://"))
        .collect()
}
