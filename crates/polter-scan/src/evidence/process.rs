//! One process that holds an instance, looked at many times.

use std::collections::BTreeMap;
use std::time::Duration;

use super::call::Doing;
use crate::proc::Proc;
use crate::proc::fdinfo::Row;
use crate::snapshot::{How, Instance, Kind, Snapshot, Threads, Use, busiest, has_slept};

/// A sleep with a shorter timeout than this may be one of many, with a wait on the instance between
/// each and the next.
const SHORT: Duration = Duration::from_secs(10);

/// A process that holds an instance, and what was seen of it so far.
pub(super) struct WatchedProcess {
    pid: u32,
    fds: Vec<i32>,
    /// What its threads had done before the first look.
    before: Option<Threads>,
    start_time: u64,
    nested_in: Option<i32>,
    waits: Option<(&'static str, u32)>,
    call: Option<String>,
    nap: Option<(String, Duration)>,
    has_run: bool,
    unknown: Option<&'static str>,
}

impl WatchedProcess {
    pub(super) fn new(
        proc: &Proc,
        snapshot: &Snapshot,
        instance: &Instance,
        pid: u32,
    ) -> WatchedProcess {
        let fds = instance.fds_of(pid);
        let process = snapshot.processes.get(&pid);
        let (nested_in, unknown) = match elsewhere(proc, pid, &fds) {
            Ok(nested_in) => (nested_in, None),
            Err(why) => (None, Some(why)),
        };
        WatchedProcess {
            pid,
            before: proc.counters(pid),
            start_time: process.map_or(0, |it| it.start_time),
            fds,
            nested_in,
            waits: None,
            call: None,
            nap: None,
            has_run: false,
            unknown,
        }
    }

    /// Looks at every thread once.
    pub(super) fn look(&mut self, proc: &Proc) {
        let tids = self.before.iter().flat_map(BTreeMap::keys);
        let mut is_waiting = None;
        for tid in tids {
            match Doing::of(proc, self.pid, *tid, &self.fds) {
                Doing::Running => self.has_run = true,
                Doing::Waits(call) => is_waiting = Some(call),
                Doing::Sleeps { call, at_most } => {
                    if let Some(at_most) = at_most.filter(|it| *it < SHORT) {
                        self.nap = Some((call.clone(), at_most));
                    }
                    self.call = Some(call);
                }
                Doing::Unknown(why) => self.unknown = Some(why),
            }
        }
        if let Some(call) = is_waiting {
            let looks = self.waits.map_or(0, |(_, looks)| looks);
            self.waits = Some((call, looks + 1));
        }
    }

    /// Ends the watch, and says what the process did over the whole window.
    ///
    /// The order of the cases matters: a sign of use comes before a sign of sleep, for one look
    /// that saw a wait outweighs all that saw none.
    pub(super) fn end(self, proc: &Proc, window: Duration) -> Use {
        let after = proc.counters(self.pid);
        let is_same = proc
            .stat(self.pid)
            .is_ok_and(|it| it.start_time == self.start_time);
        let busiest = busiest(self.before.as_ref(), after.as_ref(), window);
        let has_run = self.has_run || !has_slept(self.before.as_ref(), after.as_ref());
        let how = if !is_same {
            How::Unknown {
                why: "it has ended meanwhile",
            }
        } else if let Some((call, looks)) = self.waits {
            How::Waits { call, looks }
        } else if let Some(fd) = self.nested_in {
            How::Nested { fd }
        } else if let Some(why) = self.unknown {
            How::Unknown { why }
        } else if has_run {
            How::Ran
        } else if let Some((call, at_most)) = self.nap {
            let for_ms = at_most.as_millis() as u64;
            How::Naps { call, for_ms }
        } else if let Some(call) = self.call {
            How::Sleeps { call }
        } else {
            How::Unknown {
                why: "its threads cannot be looked at",
            }
        };
        Use {
            pid: self.pid,
            how,
            busy: busiest.busy,
            in_kernel: busiest.in_kernel,
            kernel_ticks: busiest.kernel_ticks,
            threads: after,
        }
    }
}

/// The fd of another instance that has this one registered, in a process's table. An error says why
/// that cannot be told, or that an io_uring may wait for the instance.
fn elsewhere(proc: &Proc, pid: u32, fds: &[i32]) -> Result<Option<i32>, &'static str> {
    const UNTOLD: &str = "what else it has open cannot be told";
    if proc.is_foreign(pid) {
        return Err("it is a program for another kind of machine");
    }
    let process = proc.process(pid).map_err(|_| UNTOLD)?;
    let is_ring = |target: &str| target == "anon_inode:[io_uring]";
    if process.open.iter().any(|open| is_ring(&open.target)) {
        return Err("it has an io_uring, which may wait for it");
    }
    let others = process.open.iter().filter(|open| open.kind == Kind::Epoll);
    for open in others.filter(|open| !fds.contains(&open.fd)) {
        let info = proc.fdinfo(pid, open.fd).map_err(|_| UNTOLD)?;
        let is_it = |row: &Row| {
            // A row whose fd is closed may be for this instance too, by an fd it had before.
            let now = process.open_fd(row.tfd);
            fds.contains(&row.tfd) || now.is_none() && row.ino == open.key.map(|key| key.ino)
        };
        if info.left_out > 0 || info.rows.iter().any(is_it) {
            return Ok(Some(open.fd));
        }
    }
    Ok(None)
}
