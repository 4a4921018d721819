//! Who has not run has changed nothing: what was seen of it meanwhile was so at one moment.

use crate::proc::Proc;
use crate::stat;

/// Threads of a process; more of them hardly all sleep.
const MAX_THREADS: usize = 256;

/// Processes that slept when they were looked at, every thread of each.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asleep {
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

impl Asleep {
    /// Looks at processes; nothing if a thread of one is awake, or it cannot be told.
    pub(super) fn of(proc: &Proc, pids: impl IntoIterator<Item = u32>) -> Option<Asleep> {
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
        Some(Asleep { threads })
    }

    /// True if none of these processes has run since.
    pub(super) fn is_still_so(&self, proc: &Proc) -> bool {
        let mut pids: Vec<u32> = self.threads.iter().map(|thread| thread.pid).collect();
        pids.dedup();
        Asleep::of(proc, pids).as_ref() == Some(self)
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
        // Sleeping or stopped.
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

    use super::Asleep;
    use crate::proc::Proc;

    #[test]
    fn who_looks_is_not_asleep() {
        assert_eq!(Asleep::of(&Proc::live(), [std::process::id()]), None);
    }

    #[test]
    fn who_has_run_is_known_by_it() {
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
        let asleep = loop {
            if let Some(asleep) = Asleep::of(&proc, [pid]) {
                break asleep;
            }
        };
        say();
        assert!(!asleep.is_still_so(&proc));
        drop(stdin);
        cat.wait().unwrap();
        assert!(!asleep.is_still_so(&proc));
    }

    #[test]
    fn who_sleeps_on_has_not_run() {
        let mut sleep = Command::new("sleep").arg("60").spawn().unwrap();
        let proc = Proc::live();
        let asleep = loop {
            let first = Asleep::of(&proc, [sleep.id()]);
            std::thread::sleep(std::time::Duration::from_millis(20));
            match first {
                Some(first) if first.is_still_so(&proc) => break first,
                _ => {}
            }
        };
        assert!(asleep.is_still_so(&proc));
        sleep.kill().unwrap();
        sleep.wait().unwrap();
    }
}
