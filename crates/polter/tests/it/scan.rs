//! `polter scan` and `polter exorcise`, on captured trees and on processes that are not there.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use crate::polter::polter;

const STAT: &str = "S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0 0 0 0 0\n";
const GHOST: &str = "flags:\t02\ntfd: 4 events: 19 data: 4  pos:0 ino:5 sdev:f\n";

#[test]
fn a_ghost_is_a_finding() {
    check(GHOST, &[], 1, "in flight ghost");
    check(GHOST, &["--fail-on", "none"], 0, "in flight ghost");
    check(GHOST, &["--fail-on", "ghost"], 1, "in flight ghost");
    check(GHOST, &["--fail-on", "leaked-epoll"], 0, "in flight ghost");
}

#[test]
fn an_empty_instance_is_clean() {
    check("flags:\t02\n", &["--fail-on", "any"], 0, "clean");
}

#[test]
fn what_could_not_be_told_is_not_called_clean() {
    let nonsense = "flags:\t02\ntfd: x\n";
    check(nonsense, &[], 2, "not everything could be told");
    // What was asked for was found: that is an answer.
    let both = format!("{GHOST}tfd: x\n");
    check(&both, &["--fail-on", "ghost"], 1, "in flight ghost");
}

#[test]
fn a_report_is_json_with_every_key_documented() {
    let tree = tree("x", GHOST);
    let ran = scan(&tree, &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out()).unwrap();
    assert_eq!(value["findings"][0]["class"], "in-flight-ghost");
    let docs = include_str!("../../../../docs/json.md");
    let finding = value["findings"][0].as_object().unwrap();
    for key in value.as_object().unwrap().keys().chain(finding.keys()) {
        assert!(docs.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    let tree = tree("a\u{1b}]0;x\u{7}\u{202e}b) S 1 (", GHOST);
    for format in ["text", "json"] {
        let ran = scan(&tree, &["--format", format]);
        assert_eq!(ran.code, Some(1));
        assert!(!ran.out().contains(['\u{1b}', '\u{7}', '\u{202e}']));
    }
}

#[test]
fn no_line_is_too_wide() {
    let tree = tree(&"幽".repeat(500), GHOST);
    let ran = scan(&tree, &[]);
    assert!(ran.out().lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn a_process_that_is_not_there_is_an_error_with_a_way_on() {
    for verb in ["scan", "exorcise"] {
        let ran = polter([verb, "4194305"]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err().contains("no process 4194305"), "{}", ran.err());
        assert!(ran.err().contains("namespace"), "{}", ran.err());
    }
}

#[test]
fn what_is_captured_can_be_scanned() {
    let tree = TempDir::new().unwrap();
    let dir = tree.path().join("host");
    let dir = dir.to_str().unwrap();
    let ran = polter(["capture", dir]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    assert!(ran.out().ends_with(" written\n"), "{}", ran.out());
    let ran = polter([
        "scan",
        "--root",
        dir,
        "--fail-on",
        "none",
        "--format",
        "json",
    ]);
    let report: serde_json::Value = serde_json::from_str(&ran.out()).unwrap();
    let effort = &report["effort"];
    // The machine is full of other tests' processes: whether all of it can be told from a tree, the report says.
    let untold = [
        &report["unknown"],
        &report["left_out_rows"],
        &effort["numbers_left_out"],
        &effort["registrations_left_out"],
        &effort["instances_left_out"],
    ];
    let is_told = untold.map(|count| count.as_u64().expect("a count")) == [0; 5];
    assert_eq!(ran.code, Some(if is_told { 0 } else { 2 }), "{}", ran.out());
}

#[test]
fn a_tree_that_is_not_there_is_an_error() {
    let ran = polter(["scan", "--root", "/nonexistent"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err().contains("/nonexistent: No such file"),
        "{}",
        ran.err()
    );
}

#[test]
fn a_captured_tree_is_not_advised_what_helps_a_running_process() {
    let ran = scan(&tree("x", GHOST), &[]);
    assert!(!ran.out().contains("now:"), "{}", ran.out());
    assert!(!ran.out().contains("polter exorcise"), "{}", ran.out());
}

#[test]
fn a_process_that_was_not_captured_whole_is_an_error_that_says_so() {
    let tree = tree("x", GHOST);
    fs::remove_file(tree.path().join("7/stat")).unwrap();
    for options in [&[][..], &["7"]] {
        let ran = scan(&tree, options);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.err().contains("process 7 was not captured whole"),
            "{}",
            ran.err()
        );
        assert!(!ran.err().contains("namespace"), "{}", ran.err());
    }
}

#[test]
fn an_empty_tree_is_an_error() {
    let tree = TempDir::new().unwrap();
    let ran = scan(&tree, &[]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err().contains("no process was captured there"),
        "{}",
        ran.err()
    );
}

/// As another user, under a /proc that hides what is not his: for root, who may make one.
#[test]
fn who_sees_no_process_is_told_what_to_do() {
    const SCRIPT: &str = "mount -t proc -o hidepid=2 proc /proc && cd / \
        && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\"";
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("polter");
    fs::copy(env!("CARGO_BIN_EXE_polter"), &program).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |verb: &str| {
        let mut unshare = std::process::Command::new("unshare");
        let unshare = unshare.args(["--mount", "sh", "-c", SCRIPT]).arg(&program);
        unshare.arg(verb).output()
    };
    if !run("--version").is_ok_and(|came| came.status.success()) {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no /proc with hidepid can be mounted; it would have shown that nothing in sight is no clean bill"
        );
        return;
    }
    let came = run("scan").unwrap();
    let said = String::from_utf8_lossy(&came.stderr);
    assert_eq!(came.status.code(), Some(2), "{said}");
    assert!(said.contains("no process is in sight"), "{said}");
    assert!(said.contains("run as root"), "{said}");
}

#[test]
fn a_wrong_command_line_is_an_error() {
    for args in [
        &["scan", "--all", "7"][..],
        &["scan", "--name", "x", "7"],
        &["scan", "x"],
        &["scan", "--children"],
        &["exorcise"],
        &["exorcise", "7", "--yes", "--dry-run"],
    ] {
        assert_eq!(polter(args).code, Some(2), "{args:?}");
    }
}

/// One process with an instance under 3.
fn tree(comm: &str, fdinfo: &str) -> TempDir {
    let tree = TempDir::new().unwrap();
    let dir = tree.path().join("7");
    fs::create_dir_all(dir.join("fd")).unwrap();
    fs::create_dir_all(dir.join("fdinfo")).unwrap();
    fs::write(dir.join("stat"), format!("7 ({comm}) {STAT}")).unwrap();
    fs::write(dir.join("fdinfo/3"), fdinfo).unwrap();
    symlink("anon_inode:[eventpoll]", dir.join("fd/3")).unwrap();
    tree
}

fn scan(tree: &TempDir, options: &[&str]) -> crate::polter::Ran {
    let root = ["scan", "--root", tree.path().to_str().unwrap()];
    polter([&root[..], options].concat())
}

#[track_caller]
fn check(fdinfo: &str, options: &[&str], code: i32, says: &str) {
    let ran = scan(&tree("x", fdinfo), options);
    assert_eq!(ran.code, Some(code), "{}{}", ran.out(), ran.err());
    assert!(ran.out().contains(says), "{}", ran.out());
}
