//! A scan names the holders, and accuses nobody where fds and processes come and go.

use polter_scan::{Class, Held, Meaning, Proc, Report, Scope, Snapshot, capture};

use crate::haunted::{Haunted, can_compare, classes};

#[test]
fn a_ghost_has_its_holder_and_no_other_end_of_the_pipe() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("fork-ghost", &[]);
    let report = haunted.report();
    let [_, child] = haunted.pids()[..] else {
        panic!("a parent and a child")
    };
    let ghost = &report.findings[0];
    assert_eq!((ghost.pid, ghost.fd), (haunted.pid(), 4));
    let held = Held {
        pid: child,
        fd: 4,
        is_certain: true,
    };
    assert_eq!(ghost.held_by, [held]);
}

#[test]
fn an_instance_is_one_thing_however_many_hold_it() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("event-theft", &[]);
    let snapshot = Snapshot::take(&Proc::live(), &haunted.scope()).unwrap();
    let [instance] = &snapshot.instances[..] else {
        panic!("one instance: {:?}", snapshot.instances)
    };
    assert!(instance.is_certain);
    assert_eq!(instance.pids(), haunted.pids());
    let tables = &instance.registrations[0].tables;
    assert!(tables.iter().all(|table| table.meaning == Meaning::Same));
}

#[test]
fn a_name_stands_for_its_processes() {
    let _haunted = Haunted::start("healthy", &[]);
    let named = Scope::Name("haunted".to_owned());
    assert!(Snapshot::take(&Proc::live(), &named).is_ok());
    let unknown = Scope::Name("no such name".to_owned());
    assert!(Snapshot::take(&Proc::live(), &unknown).is_err());
}

#[test]
fn a_process_that_is_not_there_is_an_error() {
    let error = Snapshot::take(&Proc::live(), &Scope::Pids(vec![u32::MAX]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no process 4294967295"
    );
}

#[test]
fn a_spinning_ghost_is_ready_and_eats_a_core() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("dup-ghost", &["--spin"]);
    let mut report = haunted.report();
    // However busy the machine, it gets a tick some day.
    loop {
        report.watch(&Proc::live(), std::time::Duration::from_millis(100));
        let spin = report.findings[0].spin.expect("it was watched");
        assert_eq!(spin.is_ready, Some(true));
        if spin.cores > 0.0 {
            return;
        }
    }
}

#[test]
fn a_captured_tree_tells_the_same() {
    let haunted = Haunted::start("fork-ghost", &[]);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("host");
    let captured = capture(&Proc::live(), &dir).unwrap();
    assert!(captured.processes > 1 && captured.fds > 4);
    let scope = haunted.scope();
    let pids = haunted.pids();
    drop(haunted);
    let snapshot = Snapshot::take(&Proc::captured(&dir), &scope).unwrap();
    let report = Report::of(&snapshot);
    assert_eq!(classes(&report), [Class::ForkGhost]);
    assert_eq!(report.effort.kcmp_calls, 0);
    // Only the inode says so.
    let held = Held {
        pid: pids[1],
        fd: 4,
        is_certain: false,
    };
    assert_eq!(report.findings[0].held_by, [held]);
}

#[test]
fn processes_that_come_and_go_are_no_ghosts() {
    // Busy with its own children while every process is scanned.
    let churn = std::process::Command::new("sh")
        .args(["-c", "while :; do true & true | true; done"])
        .spawn();
    let Ok(mut churn) = churn else { return };
    for _ in 0..5 {
        let snapshot = Snapshot::take(&Proc::live(), &Scope::Pids(vec![churn.id()])).unwrap();
        assert!(classes(&Report::of(&snapshot)).is_empty());
    }
    churn.kill().unwrap();
    churn.wait().unwrap();
}
