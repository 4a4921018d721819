//! Assertions for test suites: no instance has a ghost.

use crate::error::ScanError;
use crate::evidence::WINDOW;
use crate::finding::{Finding, Report};
use crate::proc::Proc;
use crate::request::Scope;
use crate::snapshot::Snapshot;

/// Panics if an instance of this process has a ghost, or if that cannot be told.
///
/// Tests in other threads share the process. A ghost that they leave for a moment is not seen,
/// because it must outlast the rechecks; one that they leave for longer fails this test.
#[track_caller]
pub fn assert_no_ghosts() {
    assert_no_ghosts_in(std::process::id());
}

/// Panics if an instance that process `pid` holds has a ghost, or if that cannot be told.
///
/// ```no_run
/// let mut server = std::process::Command::new("./server").spawn().unwrap();
/// // … requests, reloads, more requests …
/// polter_scan::assert_no_ghosts_in(server.id());
/// server.kill().unwrap();
/// ```
#[track_caller]
pub fn assert_no_ghosts_in(pid: u32) {
    match ghosts_in(pid) {
        Ok(ghosts) => assert!(ghosts.is_empty(), "{}", told(pid, &ghosts)),
        Err(error) => panic!("whether process {pid} has ghosts cannot be told: {error}"),
    }
}

/// The ghosts in the instances that process `pid` holds; an error if not all can be told.
pub fn ghosts_in(pid: u32) -> Result<Vec<Finding>, ScanError> {
    let proc = Proc::live();
    let mut snapshot = Snapshot::take(&proc, &Scope::Pids(vec![pid]))?;
    snapshot.gather_evidence(&proc, WINDOW);
    let report = Report::of(&snapshot);
    let untold = report.untold();
    if untold > 0 {
        return Err(ScanError::NotTold { pid, untold });
    }
    let findings = report.findings.into_iter();
    Ok(findings.filter(|it| it.class.is_ghost()).collect())
}

fn told(pid: u32, ghosts: &[Finding]) -> String {
    let mut text = format!("process {pid} has {} ghosts", ghosts.len());
    for ghost in ghosts {
        text += &format!(
            "\n  {} {} ({:?}): {}\n    {}",
            ghost.class.name(),
            ghost.pid,
            ghost.comm,
            ghost.summary,
            ghost.fix
        );
    }
    text
}
