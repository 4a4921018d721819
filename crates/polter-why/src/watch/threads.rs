//! What each thread of a process does, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use polter_scan::{Counters, Proc, ThreadLook};
use polter_stack::StackCopy;

use crate::calls::{is_wait, name_of, sleeps_on_fd};
use crate::facts::{Activity, BUSY, ThreadFacts};
use crate::stacks::{self, MOST};

/// Threads that are looked at; a process with more is described by these.
const MAX_THREADS: usize = 256;

/// CPU time is billed a tick at a time: of fewer ticks, the kernel's share would be chance.
const TELLING_TICKS: u64 = 5;

/// The threads of one process.
pub(super) struct Threads {
    pid: u32,
    before: BTreeMap<u32, Counters>,
    looks: BTreeMap<u32, BTreeMap<ThreadLook, u32>>,
    left_out: u64,
    /// Those whose stacks are copied once they are seen in a call.
    caught: BTreeMap<u32, Option<StackCopy>>,
}

/// What the threads of a process did.
pub(super) struct Ended {
    /// The busiest first.
    pub(super) threads: Vec<ThreadFacts>,
    /// How many were not looked at.
    pub(super) left_out: u64,
    /// The stacks of busy threads that were caught in a call.
    pub(super) copies: BTreeMap<u32, StackCopy>,
}

impl Threads {
    pub(super) fn of(proc: &Proc, pid: u32) -> Threads {
        let mut tids = proc.threads(pid).unwrap_or_default();
        let left_out = tids.len().saturating_sub(MAX_THREADS) as u64;
        tids.truncate(MAX_THREADS);
        let counters = |tid: &u32| Some((*tid, proc.counters_of_thread(pid, *tid)?));
        Threads {
            pid,
            before: tids.iter().filter_map(counters).collect(),
            looks: BTreeMap::new(),
            left_out,
            caught: BTreeMap::new(),
        }
    }

    /// From now on, copies the stack of each of the busiest threads, at the first look at which it sleeps in a call.
    pub(super) fn catch_busy(&mut self, proc: &Proc, took: Duration) {
        let share = |(tid, before): (&u32, &Counters)| {
            let after = proc.counters_of_thread(self.pid, *tid)?;
            Some((*tid, spent(before, &after, took).busy))
        };
        let mut busy: Vec<(u32, f64)> = self.before.iter().filter_map(share).collect();
        busy.retain(|(_, share)| *share >= BUSY);
        busy.sort_by(|a, b| b.1.total_cmp(&a.1));
        let busiest = busy.into_iter().take(MOST);
        self.caught = busiest.map(|(tid, _)| (tid, None)).collect();
    }

    /// Looks at each thread once.
    pub(super) fn look(&mut self, proc: &Proc) {
        for tid in self.before.keys() {
            let look = ThreadLook::at(proc, self.pid, *tid);
            if matches!(look, ThreadLook::Call { .. })
                && let Some(caught @ None) = self.caught.get_mut(tid)
            {
                *caught = stacks::copy(proc, self.pid, *tid);
            }
            *self.looks.entry(*tid).or_default().entry(look).or_default() += 1;
        }
    }

    /// What they did in the window.
    pub(super) fn end(self, proc: &Proc, took: Duration) -> Ended {
        let of_thread = |(tid, before): (&u32, &Counters)| {
            let after = proc.counters_of_thread(self.pid, *tid)?;
            let stat = proc.bytes(self.pid, &format!("task/{tid}/comm")).ok()?;
            let looks = self.looks.get(tid);
            Some(ThreadFacts {
                tid: *tid,
                comm: String::from_utf8_lossy(&stat)
                    .trim_end_matches('\n')
                    .to_owned(),
                ..spent(before, &after, took)
            })
            .map(|thread| ThreadFacts {
                activities: looks.map_or_else(Vec::new, activities),
                stack: stack(proc, self.pid, *tid),
                // Time that it waits for a CPU is billed when it gets one.
                busy: thread.busy.max(looks.map_or(0.0, running)),
                ..thread
            })
        };
        let mut threads: Vec<ThreadFacts> = self.before.iter().filter_map(of_thread).collect();
        threads.sort_by(|a, b| b.busy.total_cmp(&a.busy).then(a.tid.cmp(&b.tid)));
        let caught = self.caught.into_iter();
        Ended {
            threads,
            left_out: self.left_out,
            copies: caught
                .filter_map(|(tid, copy)| Some((tid, copy?)))
                .collect(),
        }
    }
}

/// The time a thread spent between two moments.
fn spent(before: &Counters, after: &Counters, took: Duration) -> ThreadFacts {
    let user = after.user_ticks.saturating_sub(before.user_ticks);
    let kernel = after.kernel_ticks.saturating_sub(before.kernel_ticks);
    let wanted = after.wanted_ns.saturating_sub(before.wanted_ns) as f64;
    ThreadFacts {
        tid: 0,
        comm: String::new(),
        busy: (wanted / took.as_nanos().max(1) as f64).min(1.0),
        on_cpu: {
            let a_second = rustix::param::clock_ticks_per_second().max(1) as f64;
            ((user + kernel) as f64 / a_second / took.as_secs_f64().max(0.001)).min(1.0)
        },
        in_kernel: match user + kernel {
            ticks if ticks < TELLING_TICKS => None,
            ticks => Some(kernel as f64 / ticks as f64),
        },
        arrivals: after.arrivals.saturating_sub(before.arrivals),
        stack: Vec::new(),
        user_stack: Vec::new(),
        activities: Vec::new(),
    }
}

/// The kernel's functions that a thread sleeps in: `[<0>] ep_poll+0x2f8/0x370`, a line each. Linux: `proc_pid_stack`.
fn stack(proc: &Proc, pid: u32, tid: u32) -> Vec<String> {
    const MAX_FRAMES: usize = 16;
    let text = proc
        .bytes(pid, &format!("task/{tid}/stack"))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let function = |line: &str| {
        let symbol = line.rsplit(' ').next()?;
        Some(symbol.split('+').next()?.to_owned()).filter(|it| !it.is_empty())
    };
    text.lines().filter_map(function).take(MAX_FRAMES).collect()
}

/// The share of the looks at which a thread ran or wanted to, if that is nearly all.
fn running(looks: &BTreeMap<ThreadLook, u32>) -> f64 {
    const NEARLY_ALL: f64 = 0.9;
    let all: u32 = looks.values().sum();
    let ran = looks.get(&ThreadLook::Running).copied().unwrap_or(0);
    let share = f64::from(ran) / f64::from(all.max(1));
    if share >= NEARLY_ALL { share } else { 0.0 }
}

fn activities(looks: &BTreeMap<ThreadLook, u32>) -> Vec<Activity> {
    let of_look = |(look, looks): (&ThreadLook, &u32)| {
        let plain = Activity {
            call: None,
            is_wait: false,
            fd: None,
            polled: Vec::new(),
            at_most_ms: None,
            looks: *looks,
        };
        match look {
            ThreadLook::Running => Some(plain),
            ThreadLook::Unknown => None,
            ThreadLook::Call {
                number,
                fd,
                polled,
                at_most,
            } => Some(Activity {
                call: Some(name_of(*number)),
                is_wait: is_wait(*number),
                fd: (is_wait(*number) || sleeps_on_fd(*number)).then_some(*fd),
                polled: polled.clone().unwrap_or_default(),
                at_most_ms: at_most.map(|it| it.as_millis() as u64),
                ..plain
            }),
        }
    };
    let mut activities: Vec<Activity> = looks.iter().filter_map(of_look).collect();
    activities.sort_by_key(|it| std::cmp::Reverse(it.looks));
    // A timeout that counts down makes each look another: the most frequent ones tell enough.
    activities.dedup_by(|a, b| {
        let is_same = (&a.call, a.fd, &a.polled) == (&b.call, b.fd, &b.polled);
        b.looks += if is_same { a.looks } else { 0 };
        is_same
    });
    activities
}
