//! The object in the repository is what its source compiles to.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Compiles it again with the same compiler, and compares; says so if that compiler is missing.
#[test]
fn the_object_is_what_its_source_compiles_to() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = std::fs::read(crate_dir.join("src/bpf/walk.bpf.o")).unwrap();
    let Some(version) = clang_version() else {
        skip("there is no clang here");
        return;
    };
    if !contains(&kept, version.as_bytes()) {
        skip(&format!(
            "the object was made by another compiler than {version}"
        ));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("walk.bpf.o");
    let script = crate_dir.join("../../scripts/bpf-object.sh");
    let made = Command::new(script).arg(&object).status().unwrap();
    assert!(made.success());
    let made = std::fs::read(object).unwrap();
    assert!(
        made == kept,
        "the source was changed and the object was not: run scripts/bpf-object.sh"
    );
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
        "skipped: {why}; it would have shown that walk.bpf.o is what walk.bpf.c compiles to"
    );
}
