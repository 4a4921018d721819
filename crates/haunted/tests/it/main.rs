//! Every class runs to its end, shows its fault, and leaves no process behind.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const GHOSTS: [&str; 4] = ["fork-ghost", "plain-fork", "dup-ghost", "handed-over-ghost"];

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

/// The processes of a group, zombies too.
fn group(pgid: u32) -> Vec<String> {
    std::fs::read_dir("/proc")
        .expect("/proc is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| stat_words(name).is_some_and(|words| words[2] == pgid.to_string()))
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
    assert_eq!(group(pgid), [""; 0], "{class} left a process");
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
    plain_fork: "plain-fork",
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
    unheeded_event: "unheeded-event",
    healthy: "healthy",
}

#[test]
fn a_lingering_class_says_ready_and_ends_in_time() {
    for class in GHOSTS {
        let mut child = haunted(&[class, "--linger", "0.2"]);
        wait_for_ready(&mut child);
        assert!(child.wait().expect("haunted ends").success(), "{class}");
        assert_eq!(group(child.id()), [""; 0], "{class} left a process");
    }
}

#[test]
fn a_spinning_ghost_eats_a_core() {
    let mut children = GHOSTS.map(|class| haunted(&[class, "--linger", "3", "--spin"]));
    for (class, child) in GHOSTS.iter().zip(&mut children) {
        wait_for_ready(child);
        while ticks_of_group(child.id()) < 10 {
            let ended = child.try_wait().expect("haunted can be asked");
            assert!(ended.is_none(), "{class} does not spin");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    for (class, mut child) in GHOSTS.iter().zip(children) {
        assert!(child.wait().expect("haunted ends").success(), "{class}");
        assert_eq!(group(child.id()), [""; 0], "{class} left a process");
    }
}

/// User and system time, in clock ticks, of a whole process group.
fn ticks_of_group(pgid: u32) -> u64 {
    group(pgid)
        .iter()
        .filter_map(|pid| stat_words(pid))
        .flat_map(|words| [11, 12].map(|at| words[at].parse().unwrap_or(0)))
        .sum()
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
