//! 0 clean, 1 findings, 2 error.

use crate::polter::{GHOST, HEALTHY, Logs, TORN, polter};

#[test]
fn a_healthy_log_is_clean() {
    check(HEALTHY, &[], 0);
}

#[test]
fn a_ghost_is_a_finding() {
    check(GHOST, &[], 1);
}

#[test]
fn fail_on_chooses_what_counts() {
    check(GHOST, &["--fail-on", "none"], 0);
    check(GHOST, &["--fail-on", "fork-ghost"], 1);
    check(GHOST, &["--fail-on", "child-removes,ghost"], 1);
    check(GHOST, &["--fail-on", "child-removes"], 0);
    check(GHOST, &["--fail-on", "any"], 1);
    check(HEALTHY, &["--fail-on", "any"], 0);
}

#[test]
fn strict_makes_a_warning_an_error() {
    check(TORN, &[], 0);
    check(TORN, &["--strict"], 2);
    check(GHOST, &["--strict"], 1);
}

#[test]
fn strict_names_file_line_and_column() {
    let logs = Logs::new();
    let log = logs.write("torn.strace", TORN);
    let ran = polter(["judge".as_ref(), "--strict".as_ref(), log.as_os_str()]);
    let place = format!("{}:2:", log.display());
    assert!(ran.err().contains(&place), "{}", ran.err());
}

#[test]
fn the_worst_of_several_logs_counts() {
    let logs = Logs::new();
    let (ghost, healthy) = (logs.write("a", GHOST), logs.write("b", HEALTHY));
    let ran = polter(["judge".as_ref(), ghost.as_os_str(), healthy.as_os_str()]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.out().matches("What each policy would change").count(),
        2
    );
}

#[test]
fn a_missing_log_is_an_error_and_the_others_are_judged() {
    let logs = Logs::new();
    let (missing, healthy) = (logs.path("missing"), logs.write("b", HEALTHY));
    let ran = polter(["judge".as_ref(), missing.as_os_str(), healthy.as_os_str()]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err()
            .contains(&format!("{}: No such file", missing.display())),
        "{}",
        ran.err()
    );
    assert!(ran.out().contains("clean"));
}

#[test]
fn a_wrong_command_line_is_an_error() {
    for args in [
        &["judge", "--policy", "no-such"][..],
        &["judge", "--fail-on", "x"],
        &["demo-worker"],
        &[],
    ] {
        assert_eq!(polter(args).code, Some(2), "{args:?}");
    }
}

#[track_caller]
fn check(log: &str, options: &[&str], expected: i32) {
    let logs = Logs::new();
    let log = logs.write("log", log);
    let mut args = vec!["judge".as_ref(), log.as_os_str()];
    args.extend(options.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
    let ran = polter(args);
    assert_eq!(
        ran.code,
        Some(expected),
        "{options:?}\n{}\n{}",
        ran.out(),
        ran.err()
    );
}
