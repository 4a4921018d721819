//! Where the haunted programs are, for tests that run them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program beside the calling test's, built by what is in the sources now.
///
/// Cargo builds a package's programs for that package's own tests alone: for others it is
/// asked here, once for each test binary, and does nothing if nothing has changed.
///
/// # Panics
///
/// If the caller is no test that cargo has built, or the program cannot be built.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(build)
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let of_test = |nth| test.ancestors().nth(nth);
    let (dir, target) = of_test(2)
        .zip(of_test(3))
        .expect("a test lies in target/PROFILE/deps");
    let profile = match dir.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--bin", "haunted"])
        .args(["--profile", profile, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "haunted cannot be built"
    );
    dir.join("haunted")
}
