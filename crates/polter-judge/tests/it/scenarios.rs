//! Scenarios are logs too: each can be followed to its end, and those of the
//! table of cases break what the table says.

use crate::told::{check, check_policies, judge, warnings};
use std::fs;
use std::path::PathBuf;

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios"))
}

#[track_caller]
fn scenario(name: &str) -> String {
    let path = directory().join(name).with_extension("strace");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn check_case(name: &str, expected: &[&str], changes: &[&str]) {
    let log = scenario(name);
    check(&log, expected);
    check_policies(&log, changes);
}

#[test]
fn every_scenario_can_be_followed() {
    let mut count = 0;
    for entry in fs::read_dir(directory()).expect("the scenarios are there") {
        let path = entry.expect("they can be listed").path();
        if path
            .extension()
            .is_none_or(|extension| extension != "strace")
        {
            continue;
        }
        let log = fs::read(&path).expect("they can be read");
        let verdict = judge(&log);
        assert_eq!(warnings(&verdict), [""; 0], "{}", path.display());
        assert!(
            verdict.policies[0].is_unchanged(),
            "{}: Linux differs from itself",
            path.display()
        );
        count += 1;
    }
    assert!(
        count >= 40,
        "only {count} scenarios in {}",
        directory().display()
    );
}

#[test]
fn child_dels() {
    check_case(
        "table-child-dels",
        &["child-removes 100:4 @ 4 6"],
        &[
            "owner breaks 1 @ 6",
            "owner-adopt breaks 1 @ 6",
            "stale breaks 1 @ 6",
            "not-inherited breaks 1 @ 6",
        ],
    );
}

#[test]
fn child_exits() {
    check_case("table-child-exits", &[], &["close breaks 1 @ 8"]);
}

#[test]
fn child_closes() {
    check_case(
        "table-child-closes",
        &[],
        &["close breaks 1 @ 8", "close-not-exit breaks 1 @ 8"],
    );
}

/// With `owner-adopt` nothing breaks: the hand-over, which Linux refuses, is granted.
#[test]
fn child_takes_the_loop_over() {
    check_case(
        "table-child-takes-over",
        &[],
        &[
            "close breaks 1 @ 12",
            "owner breaks 1 @ 12",
            "owner-adopt mends 1 calls",
            "stale breaks 1 @ 12",
            "not-inherited breaks 1 @ 12",
        ],
    );
}

#[test]
fn parent_closes_what_the_child_holds() {
    check_case(
        "table-parent-closes",
        &["fork-ghost 100:4 @ 4 5 6 8 10, 1 events"],
        &[
            "close mends 1 ghosts, 1 events",
            "close-not-exit mends 1 ghosts, 1 events",
            "owner mends 1 ghosts, 1 events",
            "owner-adopt mends 1 ghosts, 1 events",
            "not-inherited mends 1 ghosts, 1 events",
        ],
    );
}

#[test]
fn dup_is_registered_and_closed() {
    check_case(
        "table-dup-closed",
        &["dup-ghost 100:6 @ 5 6 8, 1 events"],
        &[
            "close mends 1 ghosts, 1 events",
            "close-not-exit mends 1 ghosts, 1 events",
            "owner mends 1 ghosts, 1 events",
            "owner-adopt mends 1 ghosts, 1 events",
            "not-inherited mends 1 ghosts, 1 events",
        ],
    );
}

/// Under `stale` and `not-inherited` the second ADD fails as it does today, with another word.
#[test]
fn second_process_adds_the_same() {
    check_case(
        "table-second-add",
        &["foreign-entry 101:4 @ 4 6"],
        &["owner mends 1 calls", "owner-adopt mends 1 calls"],
    );
}

/// The idiom asks, and an answer is what it wants: every policy that gives another breaks it.
#[test]
fn epoll_is_asked_whether_two_numbers_are_one_file() {
    check_case(
        "hazard-epoll-as-kcmp",
        &["note epoll-as-kcmp 101:4 @ 6 16"],
        &[
            "close breaks 1 @ 16",
            "close-not-exit breaks 1 @ 16",
            "owner breaks 1 @ 16",
            "owner-adopt breaks 1 @ 16",
            "stale breaks 3 @ 9",
            "not-inherited breaks 3 @ 9",
        ],
    );
}

#[test]
fn every_hazard_has_its_class() {
    let hazards = [
        "child-removes",
        "close-races-wait",
        "dead-epoll-fd",
        "deaf-signalfd",
        "epoll-as-kcmp",
        "errno-after-reuse",
        "event-theft",
        "foreign-entry",
        "fork-ghost",
        "handed-over-ghost",
        "stale-batch",
    ];
    for hazard in hazards {
        let verdict = judge(scenario(&format!("hazard-{hazard}")).as_bytes());
        let classes: Vec<&str> = verdict
            .findings
            .iter()
            .map(|finding| finding.class.name())
            .collect();
        assert!(classes.contains(&hazard), "{hazard}: {classes:?}");
    }
}

/// The script's second program does use the instance, to show that it can.
#[test]
fn instance_that_the_new_program_uses_is_not_leaked() {
    check(&scenario("hazard-leaked-epoll"), &[]);
}
