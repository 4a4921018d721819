//! With a fix taken out, or a mistake put in, a short script shows it; with
//! all fixes on, the same script is exhausted.

use crate::scripts::{all, explore, start};
use eventpoll::stepped::{Fix, Rules, Seed};
use polter_race::{Schedule, replay, tidy};

#[test]
fn linux_today_gets_through_every_script() {
    for (name, race) in all() {
        let report = explore(&race.start(Rules::LINUX).unwrap());
        assert_eq!(report.found, None, "{name}");
        assert_eq!(report.limit, None, "{name}");
        assert!(report.covered.states > 20, "{name}: {:?}", report.covered);
        assert!(report.covered.endings > 0, "{name}: {:?}", report.covered);
    }
}

#[test]
fn a_dying_file_is_polled_without_the_guard() {
    check_fix(Fix::PollGuard, "poll-of-a-dying-file", "polled-dead-file");
}

#[test]
fn a_removal_without_a_pin_writes_into_a_freed_file() {
    check_fix(Fix::RemovalPin, "instance-against-file", "use-after-free");
}

#[test]
fn a_removal_without_a_pin_from_a_watched_instance() {
    check_fix(Fix::RemovalPin, "removal-against-release", "use-after-free");
}

#[test]
fn a_depth_walk_reads_an_instance_freed_at_once() {
    check_fix(
        Fix::DelayedFree,
        "depth-walk-against-free",
        "use-after-free",
    );
}

#[test]
fn without_pollfree_an_entry_points_into_a_freed_queue() {
    check_fix(
        Fix::Pollfree,
        "signalfd-outlives-its-adder",
        "use-after-free",
    );
}

#[test]
fn a_callback_meets_a_freed_entry_if_unhooking_does_not_wait() {
    check_fix(Fix::UnhookLock, "removal-against-wake-up", "use-after-free");
}

#[test]
fn an_instance_is_lost_to_a_release_it_does_not_know_of() {
    check_fix(Fix::Dying, "instance-against-file", "use-after-free");
}

#[test]
fn chains_measured_one_way_only_become_too_long() {
    check_fix(Fix::DepthBothWays, "chains-joined", "chain-too-long");
}

#[test]
fn every_mistake_is_found() {
    for (seed, script, kind) in MISTAKES {
        check(Rules::LINUX.with(seed), script, kind);
    }
    for seed in Seed::ALL {
        let is_tried = MISTAKES.iter().any(|(tried, ..)| *tried == seed);
        assert!(is_tried, "nothing shows {}", seed.name());
    }
}

const MISTAKES: [(Seed, &str, &str); 17] = [
    (
        Seed::UnlinkAfterRelease,
        "instance-against-file",
        "use-after-free",
    ),
    (Seed::NoWakeAfterScan, "two-waiters", "lost-wakeup"),
    (
        Seed::DelWithoutMutex,
        "scan-against-removal",
        "use-after-free",
    ),
    (
        Seed::OverflowDropped,
        "arrival-during-a-scan",
        "lost-wakeup",
    ),
    (
        Seed::NoLookBeforeSleep,
        "sleep-against-write",
        "lost-wakeup",
    ),
    (
        Seed::TimeoutForgetsWake,
        "time-up-against-wake-up",
        "lost-wakeup",
    ),
    (Seed::PollBeforeMask, "mask-against-write", "lost-wakeup"),
    (
        Seed::PollBeforeQueue,
        "registration-against-write",
        "lost-wakeup",
    ),
    (
        Seed::PutUnderMutex,
        "instance-against-file",
        "use-after-free",
    ),
    (
        Seed::EpitemFreedAtOnce,
        "depth-walk-against-removal",
        "use-after-free",
    ),
    (
        Seed::FreeBeforeUnhook,
        "removal-against-wake-up",
        "use-after-free",
    ),
    (
        Seed::PollfreeAtOnce,
        "signalfd-outlives-its-adder",
        "use-after-free",
    ),
    (Seed::NoNestedMutex, "two-halves-of-a-circle", "deadlock"),
    (
        Seed::InnerMutexFirst,
        "nested-scan-against-nested-add",
        "deadlock",
    ),
    (Seed::LevelNotPutBack, "sleep-against-write", "lost-wakeup"),
    (
        Seed::ScanWithoutMutex,
        "scan-against-removal",
        "use-after-free",
    ),
    (Seed::ReleaseGivesUp, "scan-against-close", "epitem-left"),
];

#[track_caller]
fn check_fix(fix: Fix, script: &str, kind: &str) {
    check(Rules::LINUX.without(fix), script, kind);
}

/// It is found, its schedule replays, survives being text, and can be tidied;
/// under Linux's own rules the script is exhausted.
#[track_caller]
fn check(rules: Rules, script: &str, kind: &str) {
    let wrong = start(script, rules);
    let found = explore(&wrong).found;
    let found = found.unwrap_or_else(|| panic!("{script}: nothing found under {rules:?}"));
    assert_eq!(found.finding.kind(), kind, "{script} under {rules:?}");
    let tidied = tidy(&wrong, &found);
    assert_eq!(tidied.schedule.0.len(), found.schedule.0.len());
    for found in [&found, &tidied] {
        let text = found.schedule.text(&wrong).to_string();
        let read = Schedule::parse(&text, &wrong).unwrap();
        assert_eq!(read, found.schedule);
        let run = replay(&wrong, &read);
        assert_eq!(run.stuck, None);
        assert_eq!(run.found.map(|(finding, _)| finding), Some(found.finding));
    }
    let report = explore(&start(script, Rules::LINUX));
    assert_eq!((report.found, report.limit), (None, None), "{script}");
}
