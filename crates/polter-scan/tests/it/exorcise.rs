//! A ghost is removed from a running program, which goes quiet; nothing else is touched.

use polter_scan::{Class, Options, Outcome, Proc, Snapshot, exorcise};

use rustix::process::{WaitId, WaitIdOptions};

use crate::haunted::{Haunted, can_compare, classes};

#[test]
fn of_two_registrations_of_a_number_the_ghost_goes() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("number-reuse", &[]);
    let before = rows(&haunted);
    let plan = exorcise(&Proc::live(), haunted.pid(), &Options::default()).unwrap();
    assert_eq!(outcomes(&plan.steps), [&Outcome::Removed]);
    let after = rows(&haunted);
    assert_eq!((before.len(), after.len()), (2, 1));
    assert!(haunted.report().findings.is_empty());
}

#[test]
fn a_dry_run_changes_nothing() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("dup-ghost", &[]);
    let options = Options {
        dry_run: true,
        ..Options::default()
    };
    let plan = exorcise(&Proc::live(), haunted.pid(), &options).unwrap();
    assert_eq!(outcomes(&plan.steps), [&Outcome::Planned]);
    assert_eq!(classes(&haunted.report()), [Class::DupGhost]);
}

#[test]
fn another_number_is_not_touched() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("dup-ghost", &[]);
    let options = Options {
        fd: Some(5),
        ..Options::default()
    };
    let plan = exorcise(&Proc::live(), haunted.pid(), &options).unwrap();
    assert!(plan.steps.is_empty());
    assert_eq!(classes(&haunted.report()), [Class::DupGhost]);
}

#[test]
fn what_is_live_somewhere_is_kept() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("foreign-entry", &[]);
    let before = rows(&haunted);
    let all = exorcise(&Proc::live(), haunted.pid(), &Options::default()).unwrap();
    assert!(outcomes(&all.steps)[..].iter().all(|it| it.is_kept()));
    let options = Options {
        fd: Some(6),
        ..Options::default()
    };
    let one = exorcise(&Proc::live(), haunted.pid(), &options).unwrap();
    let [Outcome::Kept { reason, .. }] = outcomes(&one.steps)[..] else {
        panic!("{one:?}")
    };
    assert!(reason.starts_with("it is live"), "{reason}");
    assert_eq!(rows(&haunted), before);
}

#[test]
fn what_one_table_calls_a_ghost_goes_on_demand() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("foreign-entry", &[]);
    let before = rows(&haunted).len();
    let [_, child] = haunted.pids()[..] else {
        panic!("a parent and a child")
    };
    let in_table = |pid| Options {
        fd: Some(6),
        in_table: Some(pid),
        ..Options::default()
    };
    let of_child = exorcise(&Proc::live(), haunted.pid(), &in_table(child)).unwrap();
    assert!(of_child.has_kept(), "{of_child:?}");
    let of_parent = exorcise(&Proc::live(), haunted.pid(), &in_table(haunted.pid())).unwrap();
    assert_eq!(outcomes(&of_parent.steps), [&Outcome::Removed]);
    assert_eq!(of_parent.steps[0].loses, [child]);
    assert_eq!(rows(&haunted).len(), before - 1);
    let stranger = exorcise(&Proc::live(), haunted.pid(), &in_table(u32::MAX));
    assert!(
        stranger
            .unwrap_err()
            .to_string()
            .contains("holds no instance")
    );
}

#[test]
fn what_is_in_flight_is_kept_with_a_way_out() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("in-flight-ghost", &[]);
    let plan = exorcise(&Proc::live(), haunted.pid(), &Options::default()).unwrap();
    let [Outcome::Kept { reason, way_out }] = outcomes(&plan.steps)[..] else {
        panic!("{plan:?}")
    };
    assert!(reason.contains("in a message"), "{reason}");
    assert!(way_out.contains("received"), "{way_out}");
}

#[test]
fn a_process_that_is_gone_but_for_its_number_has_ended() {
    let mut child = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let plan = polter_scan::Plan::make(&Proc::live(), child.id(), &Options::default()).unwrap();
    assert!(!plan.has_process_ended(&Proc::live()));
    child.kill().unwrap();
    // Until it is a zombie, and no further.
    let pid = rustix::process::Pid::from_child(&child);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::Pid(pid), options).unwrap();
    assert!(plan.has_process_ended(&Proc::live()));
    child.wait().unwrap();
    assert!(plan.has_process_ended(&Proc::live()));
}

#[test]
fn what_has_come_back_since_the_plan_is_left_alone() {
    if !can_compare() {
        return;
    }
    let haunted = Haunted::start("dup-ghost", &[]);
    let mut plan =
        polter_scan::Plan::make(&Proc::live(), haunted.pid(), &Options::default()).unwrap();
    // As if the table had named its file again: the plan's ghost is its holder's own fd.
    plan.steps[0].fd = plan.steps[0].held_by[0].fd;
    plan.carry_out().unwrap();
    assert_ne!(outcomes(&plan.steps), [&Outcome::Removed]);
    assert_eq!(classes(&haunted.report()), [Class::DupGhost]);
}

fn outcomes(steps: &[polter_scan::Step]) -> Vec<&Outcome> {
    steps.iter().map(|step| &step.outcome).collect()
}

/// The registrations of the program's instances: fd, and which one of that fd.
fn rows(haunted: &Haunted) -> Vec<(i32, u32)> {
    let snapshot = Snapshot::take(&Proc::live(), &haunted.scope()).unwrap();
    let instances = snapshot.instances.iter();
    let registrations = instances.flat_map(|instance| &instance.registrations);
    registrations.map(|it| (it.fd, it.occurrence)).collect()
}
