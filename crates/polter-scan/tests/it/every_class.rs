//! Every haunted program: what a scan calls it, and what comes of it when it is exorcised.
//!
//! A scan sees what is. `stale-batch`, `close-races-wait`, `child-removes` and `dead-epoll-fd`
//! are things that happen and leave nothing; of `event-theft` and `epoll-as-kcmp`
//! the shared instance is to be seen, which makes them possible. `polter judge` names all of them.

use std::process::Command;

use polter_scan::{Class, Finding, Options, Outcome, Proc, Report, Sureness, exorcise};

use crate::haunted::{Haunted, can_compare, can_walk, classes, weighed};

/// How a program fares when each of its processes is exorcised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It spun; its ghost is removed, and it sleeps in its wait.
    Calm,
    /// Its ghost is removed, and had nothing to report.
    Freed,
    /// What it has is named with the reason why it cannot be removed.
    Kept,
    /// There is nothing to remove.
    Untouched,
}

macro_rules! every_class {
    ($($test:ident: $program:literal => [$($class:ident),*], $end:ident;)*) => {
        $(#[test] fn $test() { check($program, &[$(Class::$class),*], End::$end); })*

        #[test]
        fn every_class_of_haunted_program_is_here() {
            let output = Command::new(haunted::binary()).output().expect("haunted runs");
            let usage = String::from_utf8(output.stderr).expect("usage is text");
            let names = usage.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
            assert_eq!(names.collect::<Vec<_>>(), [$($program),*]);
        }
    };
}

every_class! {
    fork_ghost: "fork-ghost" => [ForkGhost], Calm;
    plain_fork: "plain-fork" => [ForkGhost, SharedEpoll], Calm;
    dup_ghost: "dup-ghost" => [DupGhost], Calm;
    handed_over_ghost: "handed-over-ghost" => [HandedOverGhost], Calm;
    in_flight_ghost: "in-flight-ghost" => [InFlightGhost], Kept;
    number_reuse: "number-reuse" => [DupGhost, NumberReuse], Calm;
    errno_after_reuse: "errno-after-reuse" => [DupGhost], Freed;
    stale_batch: "stale-batch" => [], Untouched;
    child_removes: "child-removes" => [], Untouched;
    event_theft: "event-theft" => [SharedEpoll], Untouched;
    foreign_entry: "foreign-entry" => [ForeignEntry, SharedEpoll], Kept;
    deaf_signalfd: "deaf-signalfd" => [DeafSignalfd, SharedEpoll], Untouched;
    dead_epoll_fd: "dead-epoll-fd" => [], Untouched;
    leaked_epoll: "leaked-epoll" => [LeakedEpoll], Untouched;
    close_races_wait: "close-races-wait" => [], Untouched;
    epoll_as_kcmp: "epoll-as-kcmp" => [SharedEpoll], Untouched;
    unheeded_event: "unheeded-event" => [], Untouched;
    healthy: "healthy" => [], Untouched;
}

#[track_caller]
fn check(program: &str, found: &[Class], end: End) {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start(program, &["--spin"]);
    let report = haunted.report();
    assert_eq!(classes(&report), found, "{:#?}", report.findings);
    if can_walk() {
        let walked = weighed(haunted.walked());
        assert_eq!(told(&walked), told(&report));
    }
    if end == End::Calm {
        until_it_has_spun(report.findings[0].pid);
    }
    let mut outcomes = exorcise_all(&haunted);
    // What is removed because the process spins is removed once that has been seen: on a busy
    // machine it may not have had a CPU.
    while end == End::Calm && !outcomes.contains(&"removed") {
        outcomes = exorcise_all(&haunted);
    }
    let is_note = |class: &&Class| **class == Class::SharedEpoll;
    let notes: Vec<Class> = found.iter().filter(is_note).copied().collect();
    let (expected, left) = match end {
        End::Calm | End::Freed => (Some("removed"), &notes[..]),
        End::Kept => (Some("kept"), found),
        End::Untouched => (None, found),
    };
    assert_eq!(outcomes, Vec::from_iter(expected), "{program}");
    assert_eq!(classes(&haunted.report()), left, "{program}");
    if end == End::Calm {
        until_it_sleeps(report.findings[0].pid);
    }
}

/// What both ways must say alike: all but what only the kernel knows.
fn told(report: &Report) -> Vec<Finding> {
    let mut findings = report.findings.clone();
    for finding in &mut findings {
        finding.nameless = None;
        // Two scans see two moments.
        finding.reasons.clear();
        if finding.sureness == Sureness::Likely {
            finding.fix.clear();
        }
        // The one says where it might be, the other that it is.
        if finding.class == Class::InFlightGhost {
            finding.summary.clear();
        }
    }
    findings
}

fn exorcise_all(haunted: &Haunted) -> Vec<&'static str> {
    let plan = |pid: u32| exorcise(&Proc::live(), pid, &Options::default()).unwrap();
    let steps = haunted.pids().into_iter().flat_map(|pid| plan(pid).steps);
    let words = steps.map(|step| match step.outcome {
        Outcome::Removed => "removed",
        Outcome::Kept { .. } => "kept",
        _ => "neither",
    });
    words.collect()
}

/// A loop that never sleeps is billed a tick, sooner or later; one that sleeps never is.
fn until_it_has_spun(pid: u32) {
    let ticks = || Proc::live().stat(pid).unwrap().cpu_ticks;
    let before = ticks();
    while ticks() == before {
        std::thread::yield_now();
    }
}

/// A loop with something to report never sleeps.
fn until_it_sleeps(pid: u32) {
    while Proc::live().stat(pid).unwrap().state != 'S' {
        std::thread::yield_now();
    }
}
