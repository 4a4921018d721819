//! What only the walk in the kernel can tell, and what it does where there is too much.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio};

use polter_scan::{By, Choice, Class, Limits, Proc, Report, Scope, Snapshot};
use rustix::event::{EventfdFlags, epoll};

use crate::haunted::{Haunted, can_walk, classes, walk};

#[test]
fn a_file_on_its_way_has_a_holder_without_a_number() {
    if !can_walk() {
        return;
    }
    let haunted = Haunted::start("in-flight-ghost", &[]);
    let report = Report::of(&haunted.walked());
    assert_eq!(classes(&report), [Class::InFlightGhost]);
    let ghost = &report.findings[0];
    assert_eq!((ghost.nameless, &ghost.held_by[..]), (Some(1), &[][..]));
    assert_eq!(report.source.by, By::Bpf);
}

#[test]
fn a_file_that_only_numbers_keep_has_no_other_holder() {
    if !can_walk() {
        return;
    }
    let haunted = Haunted::start("fork-ghost", &[]);
    let report = Report::of(&haunted.walked());
    assert_eq!(report.findings[0].nameless, Some(0));
    assert_eq!(report.effort.kcmp_calls, 0);
}

#[test]
fn too_many_registrations_are_counted_and_not_kept() {
    if !can_walk() {
        return;
    }
    let haunted = Haunted::start("dup-ghost", &[]);
    let limits = Limits {
        registrations: 0,
        ..Limits::default()
    };
    for choice in [Choice::Bpf, Choice::Proc] {
        let snapshot = Snapshot::take_by(&Proc::live(), &haunted.scope(), choice, &limits);
        let snapshot = snapshot.unwrap();
        let kept = |it: &polter_scan::Instance| it.registrations.len();
        assert_eq!(snapshot.instances.iter().map(kept).sum::<usize>(), 0);
        assert!(snapshot.effort.registrations_left_out > 0, "{choice:?}");
    }
}

#[test]
fn too_many_numbers_are_counted_and_accuse_nobody() {
    if !can_walk() {
        return;
    }
    let haunted = Haunted::start("healthy", &[]);
    let limits = Limits {
        fds: 0,
        ..Limits::default()
    };
    let snapshot = walk(&haunted.scope(), &limits).unwrap();
    assert!(snapshot.effort.fds_left_out > 0);
    assert!(Report::of(&snapshot).findings.is_empty());
}

#[test]
fn a_loop_that_makes_its_eventfd_anew_is_no_ghost() {
    if !can_walk() {
        return;
    }
    let test = std::env::current_exe().unwrap();
    let mut churn = Command::new(test)
        .args(["--exact", "walk::eventfds_come_and_go", "--nocapture"])
        .env(CHURN, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..10 {
        let snapshot = walk(&Scope::Pids(vec![churn.id()]), &Limits::default()).unwrap();
        let report = Report::of(&snapshot);
        assert!(classes(&report).is_empty(), "{:#?}", report.findings);
    }
    drop(churn.stdin.take());
    churn.wait().unwrap();
}

/// Set in the process that is scanned by [`a_loop_that_makes_its_eventfd_anew_is_no_ghost`].
const CHURN: &str = "POLTER_TEST_CHURN";

/// No test by itself: the loop, until its standard input ends.
#[test]
fn eventfds_come_and_go() {
    if std::env::var_os(CHURN).is_none() {
        return;
    }
    let is_over = std::thread::spawn(|| std::io::stdin().read(&mut [0]));
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    while !is_over.is_finished() {
        let file = rustix::event::eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let data = epoll::EventData::new_u64(0);
        epoll::add(&instance, &file, data, epoll::EventFlags::IN).unwrap();
        epoll::delete(&instance, &file).unwrap();
    }
}

#[test]
fn its_own_process_is_looked_at_if_asked_for() {
    if !can_walk() {
        return;
    }
    let own = std::process::id();
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let scope = Scope::Pids(vec![own]);
    let snapshot = walk(&scope, &Limits::default()).unwrap();
    let of_it = |name: &polter_scan::Name| (name.pid, name.fd) == (own, instance.as_raw_fd());
    let mut names = snapshot.instances.iter().flat_map(|it| &it.names);
    assert!(names.any(of_it), "{:?}", snapshot.instances);
    let snapshot = walk(&Scope::All, &Limits::default()).unwrap();
    assert!(!snapshot.processes.contains_key(&own));
}

#[test]
fn a_captured_tree_cannot_be_walked() {
    let tree = tempfile::tempdir().unwrap();
    let captured = Proc::captured(tree.path());
    let error = Snapshot::take_by(&captured, &Scope::All, Choice::Bpf, &Limits::default());
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "no walk in the kernel: a captured tree has no kernel");
}
