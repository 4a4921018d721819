//! Captured trees that nobody would write but to do harm.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use polter_scan::{Proc, Report, Scope, Snapshot};
use tempfile::TempDir;

const STAT: &str = "(x) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0 0 0 0 0\n";

#[test]
fn a_text_that_never_ends_is_left_at_its_limit() {
    let tree = tree();
    // Not followed: a capture holds no links but those in fd/.
    symlink("/dev/zero", tree.path().join("7/fdinfo/3")).unwrap();
    check(&tree, 0);
}

#[test]
fn a_pipe_in_the_tree_is_not_waited_for() {
    let tree = tree();
    let made = std::process::Command::new("mkfifo")
        .arg(tree.path().join("7/fdinfo/3"))
        .status();
    if made.is_ok_and(|status| status.success()) {
        check(&tree, 1);
    }
}

#[test]
fn rows_of_nonsense_are_counted() {
    let tree = tree();
    let text =
        b"flags:\t02\ntfd: -1 events: 1\ntfd: 9 events: zz\ntfd: \xff\ntfd: 4 events: 19 data: 4\n";
    fs::write(tree.path().join("7/fdinfo/3"), text).unwrap();
    let report = check(&tree, 1);
    assert_eq!((report.registrations, report.left_out_rows), (1, 3));
}

#[test]
fn a_family_in_a_circle_has_an_end() {
    let tree = tree();
    fs::create_dir_all(tree.path().join("8/fd")).unwrap();
    fs::write(
        tree.path().join("7/stat"),
        format!("7 {}", STAT.replace("S 0", "S 8")),
    )
    .unwrap();
    fs::write(
        tree.path().join("8/stat"),
        format!("8 {}", STAT.replace("S 0", "S 7")),
    )
    .unwrap();
    let row = "tfd: 4 events: 19 data: 4  pos:0 ino:5 sdev:f\n";
    fs::write(tree.path().join("7/fdinfo/3"), row).unwrap();
    check(&tree, 1);
}

/// One process, 7, with an instance under 3 that has no text yet.
fn tree() -> TempDir {
    let tree = TempDir::new().unwrap();
    let dir = tree.path().join("7");
    fs::create_dir_all(dir.join("fd")).unwrap();
    fs::create_dir_all(dir.join("fdinfo")).unwrap();
    fs::write(dir.join("stat"), format!("7 {STAT}")).unwrap();
    symlink("anon_inode:[eventpoll]", dir.join("fd/3")).unwrap();
    symlink(Path::new("/dev/null"), dir.join("fd/-1")).unwrap();
    tree
}

#[track_caller]
fn check(tree: &TempDir, instances: u64) -> Report {
    let snapshot = Snapshot::take(&Proc::captured(tree.path()), &Scope::All).unwrap();
    let report = Report::of(&snapshot);
    assert_eq!(report.instances, instances);
    report
}
