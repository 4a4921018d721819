//! Watches some processes, all for the same window.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use polter_scan::{
    FileCopy, Finding, Held, Meaning, Proc, Registration, Report, Snapshot, ThreadLook,
};
use polter_stack::StackCopy;

use super::files::Files;
use super::others::Machine;
use super::threads::Threads;
use crate::calls::is_wait;
use crate::facts::{CallCounts, Facts, FdLimit, Place};

/// How often threads and files are looked at in a window.
const LOOKS: u32 = 24;

/// Looks of [`LOOKS`] after which the stacks of busy threads are copied.
const WITHOUT_COPIES: u32 = 16;

/// What was seen of some processes.
pub(crate) struct Watched {
    pub(crate) facts: Vec<Facts>,
    /// The stacks of busy threads, by tid.
    pub(crate) copies: BTreeMap<u32, StackCopy>,
    pub(crate) window: Duration,
    /// Why the kernel did not count, if it was asked to.
    pub(crate) why_not_counted: Option<String>,
}

/// Watches these processes. With `with_count` the kernel counts their calls, and those of whoever shares their
/// instances.
pub(crate) fn watch(
    proc: &Proc,
    snapshot: &Snapshot,
    report: &Report,
    pids: &[u32],
    window: Duration,
    with_count: bool,
) -> Watched {
    let mut files: Vec<Files> = pids
        .iter()
        .map(|pid| {
            let wanted = wanted(snapshot, *pid);
            let askable = askable(snapshot, *pid, &wanted);
            Files::of(proc, *pid, wanted, askable)
        })
        .collect();
    let mut counter = with_count.then(|| Counting::start(snapshot, pids));
    let bytes_before: Vec<Option<u64>> = pids.iter().map(|pid| bytes_moved(proc, *pid)).collect();
    let mut threads: Vec<Threads> = pids.iter().map(|pid| Threads::of(proc, *pid)).collect();
    let took = look(proc, window, &mut threads, &mut files, counter.as_mut());
    let counted = counter.map(|it| it.stop().map(Arc::new));
    let mut machine = None;
    let mut facts = Vec::new();
    let mut copies = BTreeMap::new();
    for (at, (threads, mut files)) in threads.into_iter().zip(files).enumerate() {
        let pid = pids[at];
        let mut ended = threads.end(proc, took);
        copies.append(&mut ended.copies);
        let mut ready = files.end();
        if ready.iter().any(crate::facts::FileFacts::is_untouched) {
            let machine = machine.get_or_insert_with(|| Machine::list(proc));
            machine.describe(proc, pid, &mut ready);
        }
        let process = snapshot.processes.get(&pid);
        let bytes = bytes_before[at].zip(bytes_moved(proc, pid));
        facts.push(Facts {
            pid,
            comm: process.map_or_else(String::new, |it| it.comm.clone()),
            exe: process.and_then(|it| it.exe.clone()),
            place: place(proc, pid),
            threads: ended.threads,
            threads_left_out: ended.left_out,
            fds: FdLimit {
                open: files.open,
                limit: limit(proc, pid),
            },
            files: ready,
            ghosts_ready: ghosts_ready(report, pid),
            sharers_waiting: sharers_waiting(proc, snapshot, pid),
            files_served: files.served,
            files_refused: files.refused,
            files_left_out: files.left_out,
            bytes_moved: bytes.map(|(before, after)| after.saturating_sub(before)),
            has_ring: files.has_ring,
            calls: match &counted {
                Some(Ok(counts)) => Some(Arc::clone(counts)),
                _ => None,
            },
        });
    }
    Watched {
        facts,
        copies,
        window: took,
        why_not_counted: counted.and_then(Result::err),
    }
}

/// Looks at threads and files until the window is over, and says how long that took.
fn look(
    proc: &Proc,
    window: Duration,
    threads: &mut [Threads],
    files: &mut [Files],
    mut counter: Option<&mut Counting>,
) -> Duration {
    let start = Instant::now();
    let mut look = 0;
    let mut has_begun_copies = false;
    loop {
        if !has_begun_copies && start.elapsed() >= window * WITHOUT_COPIES / LOOKS {
            let took = start.elapsed();
            threads.iter_mut().for_each(|it| it.catch_busy(proc, took));
            has_begun_copies = true;
        }
        threads.iter_mut().for_each(|it| it.look(proc));
        files.iter_mut().for_each(|it| it.look(proc));
        look += 1;
        let until = window * look / LOOKS;
        if start.elapsed() >= window {
            return start.elapsed();
        }
        counter.iter_mut().for_each(|it| it.look());
        thread::sleep(until.saturating_sub(start.elapsed()));
    }
}

/// The events that a process's registered fds wait for.
fn wanted(snapshot: &Snapshot, pid: u32) -> BTreeMap<i32, u16> {
    let mut wanted: BTreeMap<i32, u16> = BTreeMap::new();
    let names_it = |it: &&Registration| {
        let mut tables = it.tables.iter();
        tables.any(|table| table.pid == pid && table.meaning == Meaning::Same)
    };
    for instance in &snapshot.instances {
        for registration in instance.registrations.iter().filter(names_it) {
            *wanted.entry(registration.fd).or_default() |= registration.events as u16;
        }
    }
    wanted
}

/// The process's fds of instances that may be polled by a copy, and are registered in another: only those can be in it.
fn askable(snapshot: &Snapshot, pid: u32, registered: &BTreeMap<i32, u16>) -> BTreeSet<i32> {
    let inner = snapshot
        .instances
        .iter()
        .filter(|it| snapshot.can_be_polled(it));
    let fds = inner.flat_map(|it| it.fds_of(pid));
    fds.filter(|fd| registered.contains_key(fd)).collect()
}

/// The ghosts of a process whose file has something to report now.
fn ghosts_ready(report: &Report, pid: u32) -> Vec<(i32, u32)> {
    const ASKED: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP;
    let is_ready = |held: &Held| {
        let copy = FileCopy::of(held.pid, held.fd);
        // If it may not be asked it counts as ready, for the process spins.
        let ready = copy.ok().and_then(|copy| copy.ready(ASKED.cast_unsigned()));
        ready.is_none_or(|bits| bits != 0)
    };
    let of_it = report.findings.iter().filter(|it| it.pid == pid);
    let ready = of_it.filter(|it: &&Finding| it.held_by.first().is_none_or(is_ready));
    ready.map(|it| (it.fd, it.occurrence)).collect()
}

/// The processes that share an instance with this one and wait on it now.
fn sharers_waiting(proc: &Proc, snapshot: &Snapshot, pid: u32) -> Vec<u32> {
    let held = snapshot
        .instances
        .iter()
        .filter(|it| it.pids().contains(&pid));
    let mut waiting = Vec::new();
    for instance in held {
        for sharer in instance.pids().into_iter().filter(|it| *it != pid) {
            let fds = instance.fds_of(sharer);
            let waits = |tid: u32| match ThreadLook::at(proc, sharer, tid) {
                ThreadLook::Call {
                    number, fd, polled, ..
                } => {
                    let polls = polled.is_some_and(|it| it.iter().any(|fd| fds.contains(fd)));
                    is_wait(number) && fds.contains(&fd) || polls
                }
                _ => false,
            };
            if proc
                .threads(sharer)
                .unwrap_or_default()
                .into_iter()
                .any(waits)
            {
                waiting.push(sharer);
            }
        }
    }
    waiting
}

fn place(proc: &Proc, pid: u32) -> Place {
    let text = proc.bytes(pid, "cgroup").unwrap_or_default();
    Place::of(&String::from_utf8_lossy(&text))
}

/// The soft limit of open fds, by `/proc/PID/limits`.
fn limit(proc: &Proc, pid: u32) -> Option<u64> {
    let text = proc.bytes(pid, "limits").ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The bytes that a process has read and written so far, by `/proc/PID/io`.
fn bytes_moved(proc: &Proc, pid: u32) -> Option<u64> {
    let text = proc.bytes(pid, "io").ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let count = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse::<u64>().ok()
    };
    Some(count("rchar:")?.saturating_add(count("wchar:")?))
}

/// The kernel's count of calls, or why there is none.
struct Counting(Result<Started, String>);

#[cfg(feature = "bpf")]
type Started = crate::calls::Counter;

#[cfg(not(feature = "bpf"))]
type Started = std::convert::Infallible;

impl Counting {
    #[cfg(feature = "bpf")]
    fn start(snapshot: &Snapshot, pids: &[u32]) -> Counting {
        let sharers = snapshot
            .instances
            .iter()
            .flat_map(polter_scan::Instance::pids);
        let mut all: Vec<u32> = pids.iter().copied().chain(sharers).collect();
        all.sort_unstable();
        all.dedup();
        Counting(crate::calls::Counter::start(&all).map_err(|refusal| refusal.to_string()))
    }

    #[cfg(not(feature = "bpf"))]
    fn start(_: &Snapshot, _: &[u32]) -> Counting {
        Counting(Err("this polter was built without it".to_owned()))
    }

    /// Counts on, or pauses.
    #[cfg(feature = "bpf")]
    fn look(&mut self) {
        let looked = self.0.as_mut().map(crate::calls::Counter::look);
        if let Ok(Err(refusal)) = looked {
            self.0 = Err(refusal.to_string());
        }
    }

    #[cfg(not(feature = "bpf"))]
    fn look(&mut self) {}

    #[cfg(feature = "bpf")]
    fn stop(self) -> Result<CallCounts, String> {
        self.0?.stop().map_err(|refusal| refusal.to_string())
    }

    #[cfg(not(feature = "bpf"))]
    fn stop(self) -> Result<CallCounts, String> {
        match self.0? {}
    }
}
