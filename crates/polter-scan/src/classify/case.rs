//! One instance, its holders, and the findings about it.

use std::collections::BTreeMap;

use crate::finding::{Class, Finding, severity};
use crate::snapshot::{By, Instance, Process, Registration, Snapshot, Sureness};

/// One instance, in the snapshot it is from.
pub(super) struct Case<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) instance: &'a Instance,
}

impl Case<'_> {
    /// A process of the snapshot.
    pub(super) fn process(&self, pid: u32) -> Option<&Process> {
        self.snapshot.processes.get(&pid)
    }

    /// True if these processes run, so that a fix for them now makes sense.
    pub(super) fn is_live(&self) -> bool {
        self.snapshot.source.by != By::Capture
    }

    /// True if only threads with a table of their own have the file open.
    pub(super) fn is_kept_by_threads(&self, registration: &Registration) -> bool {
        let is_thread = |pid| self.process(pid).is_some_and(|it| it.thread_of.is_some());
        registration.held_by.iter().all(|held| is_thread(held.pid))
    }

    /// Of several holders, the one that started first. One that could not be read comes last.
    pub(super) fn eldest(&self, pids: impl IntoIterator<Item = u32>) -> u32 {
        let start = |pid: &u32| self.process(*pid).map_or(u64::MAX, |it| it.start_time);
        pids.into_iter()
            .min_by_key(|pid| (start(pid), *pid))
            .unwrap_or(0)
    }

    /// The fd a process has for the instance.
    pub(super) fn fd_in(&self, pid: u32) -> i32 {
        let of_pid = self.instance.names.iter().find(|name| name.pid == pid);
        of_pid.map_or(-1, |name| name.fd)
    }

    /// A finding about the instance as a whole.
    pub(super) fn about_instance(
        &self,
        class: Class,
        pid: u32,
        summary: String,
        fix: String,
    ) -> Finding {
        Finding {
            class,
            severity: severity(class),
            sureness: Sureness::Certain,
            pid,
            comm: self
                .process(pid)
                .map_or_else(String::new, |process| process.comm.clone()),
            fd: self.fd_in(pid),
            occurrence: 0,
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

    /// A finding about one registration.
    pub(super) fn about(
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
            occurrence: registration.occurrence,
            threads: named.filter_map(thread).collect(),
            tables: registration.tables.to_vec(),
            held_by: registration.held_by.clone(),
            nameless: registration.nameless,
            ..self.about_instance(class, pid, summary, fix)
        }
    }
}

/// `process 100`, `processes 100 and 101`, `processes 100, 101, 102 and 7 more`.
pub(super) fn processes(pids: &[u32]) -> String {
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
    fn a_process_that_could_not_be_read_is_not_the_eldest() {
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
