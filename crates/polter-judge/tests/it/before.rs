//! A log of a program in mid-life, with and without what was there before.

use crate::told::{findings, warnings};
use eventpoll::Policy;
use polter_judge::{Judge, Past, PastInstance, PastName, PastProcess, PastRegistration, Verdict};

/// Process 100 with a thread 105, and its child 101, which have an instance, 3, with 4 registered.
fn past() -> Past {
    let process = |pid, threads: &[u32]| PastProcess {
        pid,
        threads: threads.to_vec(),
        open: vec![0, 1, 2, 3, 4, 5],
    };
    let name = |pid| PastName {
        pid,
        fd: 3,
        is_cloexec: false,
    };
    Past {
        processes: vec![process(100, &[105]), process(101, &[])],
        instances: vec![PastInstance {
            names: vec![name(100), name(101)],
            registrations: vec![PastRegistration {
                fd: 4,
                data: 44,
                named_in: vec![100, 101],
                held_by: Vec::new(),
            }],
        }],
    }
}

const EVENT: &str = "epoll_wait(3, [{events=EPOLLIN, data={u32=44, u64=44}}], 8, 0) = 1\n";

#[test]
fn what_was_there_is_not_taken_for_granted() {
    let log = format!("100 {EVENT}105 {EVENT}100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0\n");
    let verdict = check(&log, &[]);
    assert_eq!((verdict.gaps.len(), verdict.log.unknown_events), (0, 0));
    assert_eq!((verdict.log.instances, verdict.log.assumed), (1, 0));
    assert_eq!((verdict.log.tasks, verdict.log.registrations), (2, 0));
    // Without it, the log does not explain itself.
    assert!(!judge(&log, &Past::default()).gaps.is_empty());
}

#[test]
fn a_ghost_is_seen_to_be_kept_by_a_child_of_before() {
    let log = format!("100 close(4) = 0\n100 {EVENT}100 {EVENT}");
    check(&log, &["fork-ghost 100:4 @ 1 2, 2 events"]);
}

#[test]
fn a_childs_removal_is_seen_to_be_one() {
    check(
        "101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0\n",
        &["child-removes 100:4 @ 1"],
    );
}

#[test]
fn a_wait_that_began_before_is_on_a_known_instance() {
    let log = format!("100 <... epoll_wait resumed>[], 8, 10) = 0\n100 {EVENT}");
    let verdict = judge(&log, &past());
    assert_eq!(
        (verdict.gaps.len(), verdict.log.unknown_events),
        (0, 0),
        "{:?}",
        verdict.gaps
    );
}

#[test]
fn what_is_not_in_it_is_still_said() {
    let verdict = judge(&format!("100 {EVENT}200 {EVENT}"), &past());
    assert!(!verdict.gaps.is_empty());
    let unknown = EVENT.replace("44", "45");
    let verdict = judge(&format!("100 {unknown}100 {unknown}"), &past());
    assert!(!verdict.gaps.is_empty());
}

#[test]
fn a_past_that_lies_does_no_harm() {
    let mut past = past();
    past.processes[0].pid = u32::MAX;
    past.processes[1].threads = vec![101, 0, u32::MAX, 100];
    past.processes[1].open = vec![-1, i32::MAX, 3, 3];
    let twice = past.instances[0].names[1];
    past.instances[0].names.push(twice);
    past.instances[0].registrations[0].held_by = vec![(9, 9), (101, -1), (101, i32::MAX)];
    past.instances.push(past.instances[0].clone());
    past.instances[1].registrations[0].fd = -7;
    let _ = judge(&format!("101 {EVENT}"), &past);
}

#[track_caller]
fn check(log: &str, expected: &[&str]) -> Verdict {
    let verdict = judge(log, &past());
    assert_eq!(findings(&verdict), expected, "{log}");
    assert_eq!(warnings(&verdict), [""; 0]);
    verdict
}

fn judge(log: &str, past: &Past) -> Verdict {
    let mut judge = Judge::new(&Policy::ALL);
    judge.begin_with(past);
    judge.read(log.as_bytes(), |_| {}).unwrap();
    judge.finish()
}
