//! From a [`Snapshot`] to a [`Report`]: what fits no healthy program.
//!
//! ```text
//!   number names its file in …     every table   plain
//!                                  some tables   if an elder cannot name it: likely its ghost,
//!                                                by the evidence, else foreign-entry
//!                                  no table      a ghost, by who keeps the file
//! ```
//!
//! Whose a registration is, a snapshot does not know: a forked child inherits
//! the instance *and* the files. So each finding says in whose table, how sure it is, and why.

mod ghosts;
mod sharing;

use std::collections::BTreeMap;

use crate::evidence::Sureness;
use crate::finding::{Class, Finding, Report};
use crate::snapshot::{Instance, Meaning, Process, Registration, Snapshot};
use crate::source::By;

/// Findings kept; a server can have a ghost for every connection it ever had.
const MAX_FINDINGS: usize = 10_000;

impl Report {
    /// Judges what was seen.
    pub fn of(snapshot: &Snapshot) -> Report {
        let mut report = Report::new(snapshot);
        let mut findings = Vec::new();
        for instance in &snapshot.instances {
            let case = Case { snapshot, instance };
            let mut keep = |finding| report.keep(&mut findings, finding);
            ghosts::find(&case, &mut keep);
            sharing::find(&case, &mut keep);
            report.unknown += instance
                .registrations
                .iter()
                .filter(|it| it.is_somewhere(Meaning::Unknown))
                .count() as u64;
        }
        report.leave_out(&mut findings);
        report.findings = findings;
        report
    }

    /// Keeps a finding, and never many more than will be kept in the end.
    fn keep(&mut self, findings: &mut Vec<Finding>, finding: Finding) {
        findings.push(finding);
        if findings.len() >= 2 * MAX_FINDINGS {
            self.leave_out(findings);
        }
    }

    /// Leaves out all but the worst.
    fn leave_out(&mut self, findings: &mut Vec<Finding>) {
        findings.sort_by_key(|finding| (finding.severity, finding.class, finding.pid));
        self.findings_left_out += findings.len().saturating_sub(MAX_FINDINGS) as u64;
        findings.truncate(MAX_FINDINGS);
    }
}

/// One instance, and the processes around it.
struct Case<'a> {
    snapshot: &'a Snapshot,
    instance: &'a Instance,
}

impl Case<'_> {
    fn process(&self, pid: u32) -> Option<&Process> {
        self.snapshot.processes.get(&pid)
    }

    /// True if these processes run, and can be helped.
    fn is_live(&self) -> bool {
        self.snapshot.source.by != By::Capture
    }

    /// True if nobody but threads with a table of their own has the file.
    fn is_kept_by_threads(&self, registration: &Registration) -> bool {
        let is_thread = |pid| self.process(pid).is_some_and(|it| it.thread_of.is_some());
        registration.held_by.iter().all(|held| is_thread(held.pid))
    }

    /// The holder that was there first, of several; one that could not be looked at is none.
    fn eldest(&self, pids: impl IntoIterator<Item = u32>) -> u32 {
        let start = |pid: &u32| self.process(*pid).map_or(u64::MAX, |it| it.start_time);
        pids.into_iter()
            .min_by_key(|pid| (start(pid), *pid))
            .unwrap_or(0)
    }

    /// The number a process has for the instance.
    fn number_in(&self, pid: u32) -> i32 {
        let of_pid = self.instance.names.iter().find(|name| name.pid == pid);
        of_pid.map_or(-1, |name| name.fd)
    }

    fn about_instance(&self, class: Class, pid: u32, summary: String, fix: String) -> Finding {
        Finding {
            class,
            severity: class.severity(),
            sureness: Sureness::Certain,
            pid,
            comm: self
                .process(pid)
                .map_or_else(String::new, |process| process.comm.clone()),
            fd: self.number_in(pid),
            nth: 0,
            instance: self.instance.names.clone(),
            summary,
            reasons: Vec::new(),
            tables: Vec::new(),
            held_by: Vec::new(),
            nameless: None,
            threads: BTreeMap::new(),
            fix,
            spin: None,
        }
    }

    fn about(
        &self,
        registration: &Registration,
        class: Class,
        pid: u32,
        summary: String,
        fix: String,
    ) -> Finding {
        let tables = registration.tables.iter().map(|table| table.pid);
        let named = tables.chain(registration.held_by.iter().map(|held| held.pid));
        let thread = |pid: u32| Some((pid, self.process(pid)?.thread_of?));
        Finding {
            fd: registration.fd,
            nth: registration.nth,
            threads: named.filter_map(thread).collect(),
            tables: registration.tables.to_vec(),
            held_by: registration.held_by.clone(),
            nameless: registration.nameless,
            ..self.about_instance(class, pid, summary, fix)
        }
    }
}

/// `process 100`, `processes 100 and 101`, `processes 100, 101, 102 and 7 more`.
fn processes(pids: &[u32]) -> String {
    const NAMED: usize = 4;
    if let [pid] = pids {
        return format!("process {pid}");
    }
    let named: Vec<String> = pids.iter().take(NAMED).map(u32::to_string).collect();
    match (pids.len().saturating_sub(NAMED), named.split_last()) {
        (0, Some((last, rest))) => format!("processes {} and {last}", rest.join(", ")),
        (more, _) => format!("processes {} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_could_not_be_looked_at_is_not_the_eldest() {
        let mut snapshot = Snapshot::default();
        for (pid, start_time) in [(7, 20), (8, 10)] {
            let process = Process {
                pid,
                ppid: 1,
                comm: String::new(),
                exe: None,
                start_time,
                stack: 0,
                thread_of: None,
                open: Vec::new(),
            };
            snapshot.processes.insert(pid, process);
        }
        let instance = Instance {
            names: Vec::new(),
            registrations: Vec::new(),
            left_out: 0,
            is_certain: true,
        };
        let case = Case {
            snapshot: &snapshot,
            instance: &instance,
        };
        assert_eq!(case.eldest([6, 7, 8]), 8);
        assert_eq!(case.eldest([6, 5]), 5);
    }

    #[test]
    fn processes_are_listed_as_one_would_say() {
        check(&[1], "process 1");
        check(&[1, 2], "processes 1 and 2");
        check(&[1, 2, 3], "processes 1, 2 and 3");
        check(&[1, 2, 3, 4, 5, 6], "processes 1, 2, 3, 4 and 2 more");
    }

    #[track_caller]
    fn check(pids: &[u32], expected: &str) {
        assert_eq!(processes(pids), expected);
    }
}
