//! The objects in the repository are what their sources compile to.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles each again with the same compiler, and compares; says so if that compiler is missing.
#[test]
fn every_object_is_what_its_source_compiles_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Some(version) = clang_version() else {
        skip("there is no clang here");
        return;
    };
    if !root.join("scripts/bpf-object.sh").exists() {
        skip("this is a package, without the sources of the other crates");
        return;
    }
    let sources = sources(&root.join("crates"));
    assert!(sources.len() >= 2, "{sources:?}");
    let dir = tempfile::tempdir().unwrap();
    for source in sources {
        let kept = std::fs::read(source.with_extension("o")).unwrap();
        if !contains(&kept, version.as_bytes()) {
            skip(&format!(
                "{} was compiled by another compiler than {version}",
                source.display()
            ));
            continue;
        }
        let object = dir.path().join("again.bpf.o");
        let script = root.join("scripts/bpf-object.sh");
        let made = Command::new(script)
            .arg(&source)
            .arg(&object)
            .status()
            .unwrap();
        assert!(made.success());
        let made = std::fs::read(&object).unwrap();
        assert!(
            made == kept,
            "{} was changed and its object was not: run scripts/bpf-object.sh",
            source.display()
        );
    }
}

/// All BPF sources: `crates/CRATE/src/ROOM/NAME.bpf.c`.
fn sources(crates: &Path) -> Vec<PathBuf> {
    let folders = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let rooms = folders(crates)
        .into_iter()
        .flat_map(|it| folders(&it.join("src")));
    let files = rooms.flat_map(|room| folders(&room));
    let is_source = |it: &PathBuf| it.to_string_lossy().ends_with(".bpf.c");
    files.filter(is_source).collect()
}

/// The first line of `clang --version`: what it writes into its objects.
fn clang_version() -> Option<String> {
    let output = Command::new("clang").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next()?.to_owned())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn skip(why: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {why}; it would have shown that the objects are what their sources compile to"
    );
}
