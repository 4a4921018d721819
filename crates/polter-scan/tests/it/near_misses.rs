//! A registration in use that only looks like a ghost is never called one, and never removed.
//!
//! The programs check themselves, and end at their first loss (`haunted --near-miss`).
//! `POLTER_NEAR_MISSES` says how often each is scanned and exorcised.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use polter_scan::{
    Choice, Finding, Limits, Options, Outcome, Proc, Scope, Snapshot, Sureness, exorcise,
};

use crate::haunted::{can_compare, can_walk, weighed};

/// Enough for a test.
const ROUNDS: usize = 3;

/// What a program is, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// Somebody uses the registration, or nothing shows whose it is: no ghost at all.
    InUse,
    /// A ghost by all likeness, which does no harm: it goes on demand alone.
    Harmless,
}

macro_rules! near_misses {
    ($($test:ident: $program:literal, $from:ident;)*) => {
        $(#[test] fn $test() { check($program, From::$from); })*

        #[test]
        fn every_near_miss_is_here() {
            let output = Command::new(haunted::binary()).output().expect("haunted runs");
            let usage = String::from_utf8(output.stderr).expect("usage is text");
            let names = usage.lines().filter_map(|line| line.strip_prefix('\t')?.split(' ').next());
            assert_eq!(names.collect::<Vec<_>>(), [$($program),*]);
        }
    };
}

near_misses! {
    a_child_waits_now_and_then: "waits-now-and-then", InUse;
    a_child_looks_without_waiting: "looks-without-waiting", InUse;
    a_child_naps_between: "naps", InUse;
    one_of_two_workers_waits: "prefork", InUse;
    a_thread_with_a_table_of_its_own_waits: "thread-apart", InUse;
    a_child_is_stopped: "stopped", InUse;
    a_child_serves_what_its_parent_closed: "waits", InUse;
    a_child_waits_through_poll: "waits-through-poll", InUse;
    a_child_waits_through_select: "waits-through-select", InUse;
    a_child_waits_through_another_instance: "waits-through-outer", InUse;
    a_child_has_a_ring: "has-a-ring", InUse;
    a_child_added_its_own_file: "added-by-child", InUse;
    a_child_added_its_own_file_in_a_gap: "added-in-a-gap", InUse;
    a_child_has_both_from_a_message: "handed-over", InUse;
    children_are_about_to_exec: "before-exec", InUse;
    the_parent_is_told_once: "edge-triggered", Harmless;
    the_file_has_nothing_to_report: "not-ready", Harmless;
    the_parent_has_other_things_to_do: "parent-computes", Harmless;
}

#[test]
fn a_thread_with_a_table_of_its_own_is_called_one() {
    if !can_compare() {
        return;
    }
    let program = Program::start("thread-apart");
    let pid = program.child.id();
    let snapshot = Snapshot::take(&Proc::live(), &Scope::Pids(vec![pid])).unwrap();
    let findings = weighed(snapshot).findings;
    let threads = &findings[0].threads;
    let thread = findings[0].held_by[0].pid;
    assert_eq!((thread != pid, threads.get(&thread)), (true, Some(&pid)));
    program.end();
}

#[track_caller]
fn check(name: &str, from: From) {
    if !can_compare() {
        return;
    }
    let rounds = std::env::var("POLTER_NEAR_MISSES").ok();
    let rounds = rounds.map_or(ROUNDS, |text| text.parse().expect("a number"));
    let program = Program::start(name);
    let sources = if can_walk() {
        &[Choice::Proc, Choice::Bpf][..]
    } else {
        &[Choice::Proc]
    };
    for nth in 0..rounds {
        let ghosts = program.ghosts(sources[nth % sources.len()]);
        match from {
            From::InUse => assert_eq!(ghosts, [], "{name}"),
            // The file may be on its way to be closed, or the child not asleep yet.
            From::Harmless => {
                let is_likely = |it: &Finding| it.sureness == Sureness::Likely;
                assert!(ghosts.iter().all(is_likely), "{name}: {ghosts:#?}");
            }
        }
        let options = Options {
            // Whether a process spins takes longer to tell than whether somebody waits.
            window: Duration::from_millis(if from == From::Harmless { 300 } else { 50 }),
            // Not even on demand, where somebody uses it.
            likely: from == From::InUse,
            ..Options::default()
        };
        let plan = exorcise(&Proc::live(), program.child.id(), &options).unwrap();
        let untouched = |step: &polter_scan::Step| step.outcome.is_kept();
        assert!(plan.steps.iter().all(untouched), "{name}: {plan:#?}");
    }
    if from == From::Harmless {
        program.goes_on_demand();
    } else {
        program.end();
    }
}

/// The program and what it says.
struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(name: &str) -> Program {
        let mut child = Command::new(haunted::binary())
            .args(["--near-miss", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("haunted starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Program { child, lines }
    }

    /// What a scan calls a ghost.
    fn ghosts(&self, choice: Choice) -> Vec<Finding> {
        let scope = Scope::Pids(vec![self.child.id()]);
        let snapshot = Snapshot::take_by(&Proc::live(), &scope, choice, &Limits::default());
        let findings = weighed(snapshot.unwrap()).findings.into_iter();
        findings.filter(|it| it.class.is_ghost()).collect()
    }

    /// It has lost nothing.
    fn end(mut self) {
        drop(self.child.stdin.take());
        let words = self.lines.next().map(Result::unwrap).unwrap_or_default();
        assert!(words.starts_with("rounds "), "{words}");
        assert!(self.child.wait().unwrap().success(), "it lost something");
    }

    /// The registration goes when that is asked for, and the program misses it.
    fn goes_on_demand(mut self) {
        let options = Options {
            likely: true,
            window: Duration::from_millis(50),
            ..Options::default()
        };
        loop {
            let plan = exorcise(&Proc::live(), self.child.id(), &options).unwrap();
            let [step] = &plan.steps[..] else {
                panic!("one registration: {plan:#?}")
            };
            if step.outcome == Outcome::Removed {
                assert_eq!(step.loses.len(), 1);
                break;
            }
        }
        // Its input has not ended: it ends by itself.
        let _input = self.child.stdin.take();
        assert!(!self.child.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its children die with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
