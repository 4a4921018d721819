//! A program that changes its descriptors all the time is exorcised all the time, and loses
//! nothing.
//!
//! The program checks itself, and ends at its first loss (`haunted --restless`).
//! `POLTER_EXORCISE_ATTEMPTS` says how often it is tried.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use polter_scan::{Options, Outcome, Plan, Proc};

use crate::haunted::can_compare;

/// Enough for each outcome to be seen, and for a test.
const ATTEMPTS: usize = 4_000;

/// Attempts with one plan: the program runs on, and the plan gets old.
const A_LOOK: usize = 50;

/// The program and what it says.
struct Restless {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Restless {
    fn start() -> Restless {
        let mut child = Command::new(haunted::binary())
            .arg("--restless")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("haunted starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Restless { child, lines }
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Lets it end; its last words are its own count.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let words = self.lines.next().map(Result::unwrap).unwrap_or_default();
        assert!(self.child.wait().unwrap().success(), "it lost something");
        words
    }
}

#[test]
fn nothing_live_is_lost_however_the_program_changes_its_table() {
    if !can_compare() {
        return;
    }
    let wanted = std::env::var("POLTER_EXORCISE_ATTEMPTS").ok();
    let wanted = wanted.map_or(ATTEMPTS, |text| text.parse().expect("a number"));
    let mut restless = Restless::start();
    let pid = restless.child.id();
    let mut counts = Counts::default();
    while counts.attempts < wanted {
        // A scan finds nothing if the ghost is gone at the moment.
        let mut plan = Plan::make(&Proc::live(), pid, &Options::default()).unwrap();
        for _ in 0..A_LOOK {
            for step in &mut plan.steps {
                step.outcome = Outcome::Planned;
            }
            plan.carry_out().unwrap();
            counts.add(&plan);
        }
        assert!(restless.is_running(), "it lost something: {counts:?}");
    }
    let said = restless.end();
    let _ = writeln!(std::io::stderr(), "{counts:?}, the program: {said}");
    assert!(counts.removed > 0, "{counts:?}");
}

#[derive(Debug, Default)]
struct Counts {
    attempts: usize,
    removed: usize,
    gone: usize,
    live: usize,
    put_back: usize,
    kept: usize,
}

impl Counts {
    fn add(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.attempts += 1;
            match step.outcome {
                Outcome::Removed => self.removed += 1,
                Outcome::Gone => self.gone += 1,
                Outcome::Live => self.live += 1,
                Outcome::PutBack => self.put_back += 1,
                Outcome::Planned | Outcome::Kept { .. } => self.kept += 1,
            }
        }
    }
}
