//! Runs a haunted program and keeps it haunted while a test scans it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use polter_scan::{Choice, Class, Limits, Proc, Report, ScanError, Scope, Snapshot};

/// A haunted program in a process group of its own; it ends with this value.
pub(crate) struct Haunted {
    child: Child,
}

impl Haunted {
    /// Starts it and waits until it is haunted.
    pub(crate) fn start(class: &str, options: &[&str]) -> Haunted {
        let mut child = Command::new(haunted::binary())
            .args([class, "--linger", "60"])
            .args(options)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("haunted starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a line of text");
        assert_eq!(line, "ready\n", "{class}");
        Haunted { child }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All its processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let group = self.pid().to_string();
        let is_member = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let words = stat.rsplit(") ").next().unwrap_or_default();
            words.split(' ').nth(2) == Some(&group)
        };
        let pids = Proc::live().pids().expect("/proc is there");
        pids.into_iter().filter(is_member).collect()
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::Pids(self.pids())
    }

    pub(crate) fn report(&self) -> Report {
        let snapshot = Snapshot::take(&Proc::live(), &self.scope()).expect("a snapshot");
        weighed(snapshot)
    }

    /// By the kernel walk.
    pub(crate) fn walked(&self) -> Snapshot {
        walk(&self.scope(), &Limits::default()).expect("a walk")
    }
}

/// The report, with what a moment's watching shows.
pub(crate) fn weighed(mut snapshot: Snapshot) -> Report {
    snapshot.gather_evidence(&Proc::live(), Duration::from_millis(100));
    Report::of(&snapshot)
}

/// Takes a snapshot by the kernel walk.
pub(crate) fn walk(scope: &Scope, limits: &Limits) -> Result<Snapshot, ScanError> {
    Snapshot::take_by(&Proc::live(), scope, Choice::Bpf, limits)
}

/// Says aloud why a test is skipped.
pub(crate) fn can_walk() -> bool {
    let own = Scope::Pids(vec![1]);
    let walked = walk(&own, &Limits::default());
    let Err(ScanError::NoWalk(why_not)) = walked else {
        return true;
    };
    let _ = writeln!(
        std::io::stderr(),
        "skipped: {why_not}; it would have shown that the kernel walk finds what /proc shows"
    );
    false
}

impl Drop for Haunted {
    fn drop(&mut self) {
        // Its children die with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The classes found, in order.
pub(crate) fn classes(report: &Report) -> Vec<Class> {
    report
        .findings
        .iter()
        .map(|finding| finding.class)
        .collect()
}

/// Says aloud why a test is skipped.
pub(crate) fn can_compare() -> bool {
    let haunted = Haunted::start("dup-ghost", &[]);
    let effort = haunted.report().effort;
    let can = effort.kcmp_calls > 0 && effort.kcmp_refused == 0;
    if !can {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: kcmp(2) is not permitted here, and files cannot be told apart"
        );
    }
    can
}
