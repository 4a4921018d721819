//! Every class runs to its end, shows its fault, and leaves no process behind.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const GHOSTS: [&str; 3] = ["fork-ghost", "dup-ghost", "handed-over-ghost"];

fn haunted(words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_haunted"))
        .args(words)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("haunted starts")
}

/// The numbers after the name in `/proc/PID/stat`: state, parent, process group, …
fn stat_words(pid: &str) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, words) = stat.rsplit_once(") ")?;
    Some(words.split(' ').map(str::to_owned).collect())
}

/// The processes of a group, with their states; a killed one that init is about to
/// reap is none.
fn group(pgid: u32, is_counted_fn: impl Fn(&str) -> bool) -> Vec<String> {
    std::fs::read_dir("/proc")
        .expect("/proc is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            stat_words(name).is_some_and(|words| {
                words.get(2) == Some(&pgid.to_string()) && is_counted_fn(&words[0])
            })
        })
        .collect()
}

fn wait_for_ready(child: &mut Child) {
    let stdout = child.stdout.take().expect("stdout is piped");
    let line = BufReader::new(stdout)
        .lines()
        .next()
        .expect("a line")
        .expect("of text");
    assert_eq!(line, "ready");
}

#[track_caller]
fn check(class: &str) {
    let child = haunted(&[class]);
    let pgid = child.id();
    let start = Instant::now();
    let output = child.wait_with_output().expect("haunted ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{class}: {said}");
    assert_eq!(said, "");
    assert!(output.stdout.is_empty(), "{class} says nothing unasked");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{class} took {:?}",
        start.elapsed()
    );
    assert_eq!(group(pgid, |_| true), [""; 0], "{class} left a process");
}

macro_rules! classes_run_to_their_end {
    ($($test:ident: $class:literal,)*) => {
        $(#[test] fn $test() { check($class); })*

        #[test]
        fn every_class_has_a_test() {
            let output = haunted(&[]).wait_with_output().expect("haunted ends");
            assert_eq!(output.status.code(), Some(2));
            let usage = String::from_utf8(output.stderr).expect("usage is text");
            let listed: Vec<&str> = usage
                .lines()
                .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
                .collect();
            assert_eq!(listed, [$($class),*]);
        }
    };
}

classes_run_to_their_end! {
    fork_ghost: "fork-ghost",
    dup_ghost: "dup-ghost",
    handed_over_ghost: "handed-over-ghost",
    in_flight_ghost: "in-flight-ghost",
    number_reuse: "number-reuse",
    errno_after_reuse: "errno-after-reuse",
    stale_batch: "stale-batch",
    child_removes: "child-removes",
    event_theft: "event-theft",
    foreign_entry: "foreign-entry",
    deaf_signalfd: "deaf-signalfd",
    dead_epoll_fd: "dead-epoll-fd",
    leaked_epoll: "leaked-epoll",
    close_races_wait: "close-races-wait",
    epoll_as_kcmp: "epoll-as-kcmp",
    healthy: "healthy",
}

#[test]
fn a_lingering_class_says_ready_and_ends_in_time() {
    for class in GHOSTS {
        let mut child = haunted(&[class, "--linger", "0.2"]);
        wait_for_ready(&mut child);
        assert!(child.wait().expect("haunted ends").success(), "{class}");
        assert_eq!(
            group(child.id(), |_| true),
            [""; 0],
            "{class} left a process"
        );
    }
}

#[test]
fn a_spinning_ghost_eats_a_core() {
    for class in GHOSTS {
        let mut child = haunted(&[class, "--linger", "60", "--spin"]);
        wait_for_ready(&mut child);
        let deadline = Instant::now() + Duration::from_secs(20);
        while ticks_of_group(child.id()) < 20 {
            assert!(Instant::now() < deadline, "{class} does not spin");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("haunted is killed");
        child.wait().expect("haunted is reaped");
        wait_until_group_is_gone(child.id());
    }
}

/// User and system time, in clock ticks, of a whole process group.
fn ticks_of_group(pgid: u32) -> u64 {
    group(pgid, |_| true)
        .iter()
        .filter_map(|pid| stat_words(pid))
        .flat_map(|words| [11, 12].map(|at| words[at].parse().unwrap_or(0)))
        .sum()
}

fn wait_until_group_is_gone(pgid: u32) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !group(pgid, |state| state != "Z").is_empty() {
        assert!(
            Instant::now() < deadline,
            "the killed program's child lives on"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nonsense_is_refused() {
    for words in [
        &["no-such-class"][..],
        &["dup-ghost", "--spin"],
        &["dup-ghost", "--linger"],
    ] {
        let output = haunted(words).wait_with_output().expect("haunted ends");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}
