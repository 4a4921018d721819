//! Runs a haunted program and keeps it haunted for as long as a test looks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use polter_scan::{Class, Proc, Report, Scope, Snapshot};

/// A haunted program in a process group of its own; it ends with this value.
pub(crate) struct Haunted {
    child: Child,
}

impl Haunted {
    /// Starts it and waits until it is haunted.
    pub(crate) fn start(class: &str, options: &[&str]) -> Haunted {
        let mut child = Command::new(binary())
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
        Report::of(&snapshot)
    }
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

/// The binary beside this test's, built if need be.
pub(crate) fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a file");
        let dir = test.parent().and_then(|deps| deps.parent());
        let binary = dir.expect("target/debug").join("haunted");
        if !binary.exists() {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "-p", "haunted"])
                .status();
            assert!(built.is_ok_and(|status| status.success()));
        }
        binary
    })
}
