//! Logs that do not show all: never clean, never "unchanged", never exit code 0.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::polter::{Logs, Ran, polter};

#[test]
fn a_log_of_epolls_calls_alone() {
    check(
        &log("epoll-calls-alone"),
        "was closed, and the log does not show by which call",
    );
}

/// What the ring keeps is a ghost, and is found; what else it did is not known.
#[test]
fn a_log_in_which_a_ring_does_what_no_call_shows() {
    check_found(&log("ring"), "unseen ghost", "UV_USE_IO_URING=0");
    let logs = Logs::new();
    let ring = "100 io_uring_setup(8, {flags=0}) = 6\n";
    let log = logs.write("log", format!("{STARTED}{ring}{UNKNOWN}"));
    check(&log, "UV_USE_IO_URING=0");
}

/// A ghost that shows itself is found, though the log does not show how it came to be.
#[test]
fn a_log_of_a_program_in_mid_life() {
    check_found(&log("attached"), "unseen ghost", "polter capture DIR");
    let logs = Logs::new();
    check(&logs.write("log", UNKNOWN), "polter capture DIR");
}

/// What a program's log begins with.
const STARTED: &str = "100 execve(\"./a\", [\"./a\"], 0x7ffe /* 1 var */) = 0
100 brk(NULL) = 0x55d08ac6d000
100 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f78cb5aa000
100 epoll_create1(0) = 3
";
/// An event of a registration that no call makes.
const UNKNOWN: &str = "\
100 epoll_wait(3, [{events=EPOLLIN, data={u32=8, u64=8}}], 8, -1) = 1
100 read(8, \"x\", 64) = 1
";

#[test]
fn findings_are_still_findings_but_not_to_the_strict() {
    let logs = Logs::new();
    let ghost = crate::polter::GHOST;
    let log = logs.write("log", format!("{ghost}200 epoll_wait(9, [], 8, 0) = 0\n"));
    let ran = polter(["judge".as_ref(), log.as_os_str()]);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    assert!(
        ran.out().contains("What the log does not show"),
        "{}",
        ran.out()
    );
    let ran = polter(["judge".as_ref(), "--strict".as_ref(), log.as_os_str()]);
    assert_eq!(ran.code, Some(2), "{}", ran.err());
}

#[test]
fn json_names_what_is_missing() {
    let ran = polter([
        "judge",
        "--format",
        "json",
        log("attached").to_str().unwrap(),
    ]);
    // The ghost is found all the same.
    assert_eq!(ran.code, Some(1));
    let out = ran.out();
    assert!(
        out.contains("\"kind\":\"past\"") && out.contains("\"verdict\":\"not-known\""),
        "{out}"
    );
    assert!(!out.contains("\"unchanged\""), "{out}");
}

/// What strace is told to leave out decides what can be said.
#[test]
fn recorded_with_filters() {
    if !crate::run::can_trace() {
        return;
    }
    record_and_check(
        &["-f", "-e", "trace=network"],
        "no call of epoll is in the log",
    );
    record_and_check(
        &["-f", "-e", "trace=epoll_create1,epoll_ctl,epoll_wait"],
        "and the log does not show who made them",
    );
    record_and_check(&["-f", "-Z"], "those that succeed are not in the log");
    record_and_check(&[], "the log has no line of theirs");
    // All that strace shows by itself is enough.
    let ran = record(&["-f"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    assert!(!ran.out().contains("not known"), "{}", ran.out());
}

#[track_caller]
fn record_and_check(options: &[&str], said: &str) {
    check_ran(&record(options), said);
}

/// A parent and its child, under strace.
#[track_caller]
fn record(options: &[&str]) -> Ran {
    let logs = Logs::new();
    let file = logs.path("log");
    let mut strace = Command::new("strace");
    strace
        .args(options)
        .arg("-o")
        .arg(&file)
        .arg(::haunted::binary())
        .args(["child-removes"]);
    let output = strace.output().unwrap();
    if !output.status.success() {
        let _ = std::io::stderr().write_all(&output.stderr);
    }
    polter(["judge".as_ref(), file.as_os_str()])
}

#[track_caller]
fn check(log: &std::path::Path, said: &str) {
    check_ran(&polter(["judge".as_ref(), log.as_os_str()]), said);
}

/// A finding counts although the log does not show all.
#[track_caller]
fn check_found(log: &std::path::Path, finding: &str, said: &str) {
    let ran = polter(["judge".as_ref(), log.as_os_str()]);
    let out = ran.out();
    assert_eq!(ran.code, Some(1), "{out}\n{}", ran.err());
    assert!(out.contains(finding) && out.contains("not known"), "{out}");
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains(said), "{said:?} is not in {out}");
    assert!(!out.contains("unchanged"), "{out}");
}

#[track_caller]
fn check_ran(ran: &Ran, said: &str) {
    assert_eq!(ran.code, Some(2), "{}\n{}", ran.out(), ran.err());
    assert!(ran.err().contains(said), "{said:?} is not in {}", ran.err());
    let out = ran.out();
    assert!(
        out.contains("not known") && out.contains("What the log does not show"),
        "{out}"
    );
    assert!(
        !out.contains("unchanged") && !out.contains("clean"),
        "{out}"
    );
}

fn log(name: &str) -> PathBuf {
    PathBuf::from(format!(
        "{}/tests/logs/{name}.strace",
        env!("CARGO_MANIFEST_DIR")
    ))
}

/// A captured tree says what the log begins with.
#[test]
fn a_captured_tree_makes_a_log_of_mid_life_whole() {
    use std::fs;
    use std::os::unix::fs::symlink;

    let logs = Logs::new();
    let tree = logs.path("before");
    let process = tree.join("100");
    for dir in ["fd", "fdinfo", "task/100", "task/101"] {
        fs::create_dir_all(process.join(dir)).unwrap();
    }
    let stat = "100 (x) S 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 0 5 0 0 0 0 0 0\n";
    fs::write(process.join("stat"), stat).unwrap();
    symlink("anon_inode:[eventpoll]", process.join("fd/3")).unwrap();
    symlink("pipe:[77]", process.join("fd/4")).unwrap();
    let row = "tfd:        4 events:       19 data:                4  pos:0 ino:4d sdev:f\n";
    let head = "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\n";
    fs::write(process.join("fdinfo/3"), format!("{head}{row}")).unwrap();
    fs::write(
        process.join("fdinfo/4"),
        "pos:\t0\nflags:\t00\nmnt_id:\t15\nino:\t77\n",
    )
    .unwrap();
    let event = "epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1\n";
    let log = logs.write("log", format!("100 {event}101 {event}"));
    let (tree, log) = (tree.to_str().unwrap(), log.to_str().unwrap());
    assert_eq!(polter(["judge", log]).code, Some(2));
    let ran = polter(["judge", "--from", tree, log]);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out(), ran.err());
    assert!(ran.out().contains("clean"), "{}", ran.out());
    let ran = polter(["judge", "--from", "/nonexistent", log]);
    assert_eq!(ran.code, Some(2));
}
