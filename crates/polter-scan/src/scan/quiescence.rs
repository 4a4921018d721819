//! If no holder ran between two reads, they form one snapshot.
//!
//! A process that has not run has changed nothing. So where all holders of an instance sleep
//! before the first read and have not run since, no recheck is needed.

use crate::proc::Proc;
use crate::proc::stat;

/// A process with more threads than this is given up: hardly ever do all of them sleep.
const MAX_THREADS: usize = 256;

/// Processes of which every thread slept at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quiescence {
    threads: Vec<Thread>,
}

/// A thread that sleeps, and how often it has come to a CPU and left one.
#[derive(Debug, PartialEq, Eq)]
struct Thread {
    pid: u32,
    tid: u32,
    arrivals: u64,
    departures: u64,
}

impl Quiescence {
    /// Reads the threads of processes; `None` if one is awake, or cannot be read.
    pub(super) fn of(proc: &Proc, pids: impl IntoIterator<Item = u32>) -> Option<Quiescence> {
        let mut threads = Vec::new();
        for pid in pids {
            let tids = proc.threads(pid).ok()?;
            if tids.len() > MAX_THREADS {
                return None;
            }
            for tid in tids {
                threads.push(Thread::of(proc, pid, tid)?);
            }
        }
        Some(Quiescence { threads })
    }

    /// True if none of these processes has run since.
    pub(super) fn lasts(&self, proc: &Proc) -> bool {
        let mut pids: Vec<u32> = self.threads.iter().map(|thread| thread.pid).collect();
        pids.dedup();
        Quiescence::of(proc, pids).as_ref() == Some(self)
    }
}

impl Thread {
    fn of(proc: &Proc, pid: u32, tid: u32) -> Option<Thread> {
        let text = |name| {
            let bytes = proc.bytes(pid, &format!("task/{tid}/{name}")).ok()?;
            String::from_utf8(bytes).ok()
        };
        let status = text("status")?;
        let state = status
            .lines()
            .find_map(|line| line.strip_prefix("State:"))?;
        // Sleeping or stopped. A sleep that no signal ends (D) is short, and does not count.
        let is_asleep = state.trim_start().starts_with(['S', 'T', 't']);
        // Linux: proc_pid_schedstat. A kernel that does not count says 0.
        let arrivals = text("schedstat")?.split_whitespace().nth(2)?.parse().ok()?;
        (is_asleep && arrivals > 0).then_some(Thread {
            pid,
            tid,
            arrivals,
            departures: stat::switches(&status)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};

    use super::Quiescence;
    use crate::proc::Proc;

    #[test]
    fn a_process_that_reads_itself_is_not_quiescent() {
        assert_eq!(Quiescence::of(&Proc::live(), [std::process::id()]), None);
    }

    #[test]
    fn a_process_that_has_run_is_not_quiescent() {
        let mut cat = Command::new("cat");
        let mut cat = cat
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, mut stdout) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
        let mut say = || {
            stdin.write_all(b"x").unwrap();
            stdout.read_exact(&mut [0]).unwrap();
        };
        say();
        let (proc, pid) = (Proc::live(), cat.id());
        // It answers before it sleeps again.
        let quiescence = loop {
            if let Some(quiescence) = Quiescence::of(&proc, [pid]) {
                break quiescence;
            }
        };
        say();
        assert!(!quiescence.lasts(&proc));
        drop(stdin);
        cat.wait().unwrap();
        assert!(!quiescence.lasts(&proc));
    }

    #[test]
    fn a_process_that_sleeps_on_has_not_run() {
        let mut sleep = Command::new("sleep").arg("60").spawn().unwrap();
        let proc = Proc::live();
        let quiescence = loop {
            let first = Quiescence::of(&proc, [sleep.id()]);
            std::thread::sleep(std::time::Duration::from_millis(20));
            match first {
                Some(first) if first.lasts(&proc) => break first,
                _ => {}
            }
        };
        assert!(quiescence.lasts(&proc));
        sleep.kill().unwrap();
        sleep.wait().unwrap();
    }
}
