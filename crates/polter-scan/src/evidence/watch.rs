//! Who waits on an instance, who sleeps elsewhere, who runs: looked at again and again.
//!
//! A look sees a task that sleeps, and in what. What a task does that comes to a CPU
//! between two looks, nobody sees; but that it did, its counters tell.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use serde::Serialize;

use super::calls::Doing;
use super::{Evidence, Split, numbers_of};
use crate::evidence::origin::Origin;
use crate::proc::Proc;
use crate::snapshot::{Instance, Kind, Snapshot};
use crate::spin::copy_of;
use crate::stat::{Schedule, Stat};
use crate::sys;

/// Between two looks.
const APART: Duration = Duration::from_millis(10);

/// Threads of a process that are watched; more of them hardly all sleep.
const MAX_THREADS: usize = 256;

/// A sleep that ends by itself within this time may be one of many, with a look at the
/// instance between each and the next.
const SHORT: Duration = Duration::from_secs(10);

/// What a process did with an instance while it was watched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// The process.
    pub pid: u32,
    /// What it did.
    #[serde(flatten)]
    pub how: How,
    /// The share of the window in which its busiest thread had a CPU or wanted one.
    pub busy: f64,
    /// The share of that thread's time that was the kernel's: none without calls.
    pub in_kernel: f64,
    /// What its threads had done at the end.
    #[serde(skip)]
    pub(crate) threads: Option<Threads>,
}

/// Time is billed a tick at a time, to the kernel or to the program: of fewer ticks, one that fell
/// into a call by chance would look like a share.
const TELLING_TICKS: f64 = 10.0;

/// A program that only computes is in the kernel for interrupts and now and then a call: two ticks in
/// thirty fell there once in ten thousand windows.
const LEAST_KERNEL_TICKS: f64 = 4.0;

/// What each thread of a process has done.
pub(crate) type Threads = BTreeMap<u32, Counters>;

/// What a process does with an instance, as far as that shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum How {
    /// It was seen to wait on it.
    Waits {
        /// By which call.
        call: &'static str,
        /// In so many looks.
        looks: u32,
    },
    /// It slept all the time, in this.
    Sleeps {
        /// The call.
        call: String,
    },
    /// It sleeps for a short time, and may look at the instance between.
    Naps {
        /// The call.
        call: String,
        /// The time.
        for_ms: u64,
    },
    /// It came to a CPU: what it did there nobody saw.
    Ran,
    /// It has the instance inside another, and may wait on that.
    Nested {
        /// The number of the other.
        fd: i32,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        why: &'static str,
    },
}

/// A registration: which instance, and where in it.
type Place = (usize, usize);

/// Looks for so long at all who are concerned; what was seen, registration by registration.
pub(super) fn watch(
    proc: &Proc,
    snapshot: &Snapshot,
    cases: &[Vec<(Place, Split)>],
    window: Duration,
) -> Vec<(Place, Evidence)> {
    let mut watched: BTreeMap<(usize, u32), Watched> = BTreeMap::new();
    let mut asked: Vec<Asked> = Vec::new();
    for ((at, place), split) in cases.iter().flatten() {
        let instance = &snapshot.instances[*at];
        // Not those of the split alone: several processes can share one table.
        for pid in instance.pids() {
            let watch = || Watched::new(proc, snapshot, instance, pid);
            watched.entry((*at, pid)).or_insert_with(watch);
        }
        asked.push(Asked::new(snapshot, (*at, *place), split));
    }
    let (start, mut looks) = (Instant::now(), 0);
    loop {
        watched.values_mut().for_each(|it| it.look(proc));
        asked.iter_mut().for_each(Asked::look);
        looks += 1;
        if start.elapsed() >= window {
            break;
        }
        std::thread::sleep(APART.min(window));
    }
    let took = start.elapsed();
    let uses: BTreeMap<(usize, u32), Use> = watched
        .into_iter()
        .map(|(key, it)| (key, it.end(proc, took)))
        .collect();
    let evidence = asked.into_iter().map(|asked| {
        let at = asked.place.0;
        let instance = &snapshot.instances[at];
        let of = |pid: &u32| uses.get(&(at, *pid)).cloned();
        let is_other = |pid: &u32| !asked.split.elders.contains(pid) && !asked.is_known(pid);
        let namers = asked.split.namers.iter().copied();
        // Whose table is another's is not told apart from those who can name it.
        let others = instance.pids().into_iter().filter(is_other);
        let mut namers: Vec<u32> = namers.chain(others).collect();
        namers.sort_unstable();
        namers.dedup();
        let registration = &instance.registrations[asked.place.1];
        let origin = Origin::of(
            proc,
            snapshot,
            instance,
            registration,
            &asked.split,
            asked.elder,
        );
        let evidence = Evidence {
            elder: asked.elder,
            window_ms: took.as_millis() as u64,
            looks,
            namers: namers.iter().filter_map(of).collect(),
            elders: asked.split.elders.iter().filter_map(of).collect(),
            is_ready: asked.is_ready,
            is_steady: asked.is_steady,
            origin,
            hidden_kin: Vec::new(),
        };
        (asked.place, evidence)
    });
    evidence.collect()
}

/// One registration's file and numbers, asked about at every look.
struct Asked {
    place: Place,
    split: Split,
    elder: u32,
    fd: i32,
    events: u32,
    tables: Vec<u32>,
    is_ready: Option<bool>,
    is_steady: bool,
}

impl Asked {
    fn new(snapshot: &Snapshot, place: Place, split: &Split) -> Asked {
        let registration = &snapshot.instances[place.0].registrations[place.1];
        let start = |pid: &u32| {
            snapshot
                .processes
                .get(pid)
                .map_or(u64::MAX, |it| it.start_time)
        };
        let elder = split.elders.iter().copied().min_by_key(start).unwrap_or(0);
        Asked {
            place,
            split: split.clone(),
            elder,
            fd: registration.fd,
            events: registration.events,
            tables: registration.tables.iter().map(|table| table.pid).collect(),
            is_ready: Some(true),
            is_steady: true,
        }
    }

    /// True if what the number means to a process is known by its own table.
    fn is_known(&self, pid: &u32) -> bool {
        self.tables.contains(pid)
    }

    fn look(&mut self) {
        let namer = self.split.namers[0];
        if self.is_ready == Some(true) {
            self.is_ready = is_ready(namer, self.fd, self.events);
        }
        let same = sys::kcmp_file((namer, self.fd), (self.elder, self.fd));
        let is_still_closed = same.is_ok_and(std::cmp::Ordering::is_ne);
        let is_closed = sys::kcmp_file((self.elder, self.fd), (self.elder, self.fd)).is_err();
        let is_named = sys::kcmp_file((namer, self.fd), (namer, self.fd)).is_ok();
        self.is_steady &= is_named && (is_still_closed || is_closed);
    }
}

/// What poll says of the file under a process's number, for the events waited for.
///
/// The copy is held for the moment of the call alone.
pub(crate) fn is_ready(pid: u32, fd: i32, events: u32) -> Option<bool> {
    let file = copy_of(pid, fd).ok()?;
    let asked = PollFlags::from_bits_truncate(events as u16);
    let mut polled = [PollFd::new(&file, asked)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Some(rustix::event::poll(&mut polled, Some(&at_once)).ok()? > 0)
}

/// A process that holds an instance.
struct Watched {
    pid: u32,
    numbers: Vec<i32>,
    /// Its threads and what each had done, before the first look.
    before: Option<Threads>,
    start_time: u64,
    nested_in: Option<i32>,
    waits: Option<(&'static str, u32)>,
    call: Option<String>,
    nap: Option<(String, Duration)>,
    has_run: bool,
    unknown: Option<&'static str>,
}

impl Watched {
    fn new(proc: &Proc, snapshot: &Snapshot, instance: &Instance, pid: u32) -> Watched {
        let numbers = numbers_of(instance, pid);
        let process = snapshot.processes.get(&pid);
        let (nested_in, unknown) = match elsewhere(proc, pid, &numbers) {
            Ok(nested_in) => (nested_in, None),
            Err(why) => (None, Some(why)),
        };
        Watched {
            pid,
            before: Counters::of_threads(proc, pid),
            start_time: process.map_or(0, |it| it.start_time),
            numbers,
            nested_in,
            waits: None,
            call: None,
            nap: None,
            has_run: false,
            unknown,
        }
    }

    fn look(&mut self, proc: &Proc) {
        let tids = self.before.iter().flat_map(BTreeMap::keys);
        let mut is_waiting = None;
        for tid in tids {
            match Doing::of(proc, self.pid, *tid, &self.numbers) {
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

    fn end(self, proc: &Proc, window: Duration) -> Use {
        let after = Counters::of_threads(proc, self.pid);
        let is_same = proc
            .stat(self.pid)
            .is_ok_and(|it| it.start_time == self.start_time);
        let (busy, in_kernel) = busiest(self.before.as_ref(), after.as_ref(), window);
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
            busy,
            in_kernel,
            threads: after,
        }
    }
}

/// Another instance this one is in, in a process's table; an error if that cannot be told, or
/// a ring may wait for it.
fn elsewhere(proc: &Proc, pid: u32, numbers: &[i32]) -> Result<Option<i32>, &'static str> {
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
    for open in others.filter(|open| !numbers.contains(&open.fd)) {
        let info = proc.fdinfo(pid, open.fd).map_err(|_| UNTOLD)?;
        let is_it = |row: &crate::fdinfo::Row| {
            // One that was closed since may be this one too.
            let now = process.open_fd(row.tfd);
            numbers.contains(&row.tfd) || now.is_none() && row.ino == open.key.map(|key| key.ino)
        };
        if info.left_out > 0 || info.rows.iter().any(is_it) {
            return Ok(Some(open.fd));
        }
    }
    Ok(None)
}

/// What a thread has done so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    schedule: Schedule,
    user: u64,
    kernel: u64,
    is_stopped: bool,
}

impl Counters {
    fn of(proc: &Proc, pid: u32, tid: u32) -> Option<Counters> {
        let stat = Stat::parse(&proc.bytes(pid, &format!("task/{tid}/stat")).ok()?)?;
        let schedule = proc.bytes(pid, &format!("task/{tid}/schedstat")).ok()?;
        Some(Counters {
            schedule: Schedule::parse(&String::from_utf8_lossy(&schedule))?,
            user: stat.user_ticks,
            kernel: stat.cpu_ticks - stat.user_ticks,
            is_stopped: matches!(stat.state, 'T' | 't'),
        })
    }

    /// All threads of a process, or that one which has a table of its own; nothing if they
    /// are too many, or cannot be looked at.
    pub(crate) fn of_threads(proc: &Proc, pid: u32) -> Option<Threads> {
        let tids = if proc.is_thread(pid) {
            vec![pid]
        } else {
            proc.threads(pid).ok()?
        };
        if tids.is_empty() || tids.len() > MAX_THREADS {
            return None;
        }
        let of_thread = |tid: u32| Some((tid, Counters::of(proc, pid, tid)?));
        tids.into_iter().map(of_thread).collect()
    }
}

/// True if no thread of a process has come to a CPU, or could not; nor was one made or stopped.
pub(crate) fn has_slept(before: Option<&Threads>, after: Option<&Threads>) -> bool {
    let is_still = |it: &Counters| it.schedule.arrivals > 0 && !it.is_stopped;
    before.is_some() && before == after && before.is_some_and(|it| it.values().all(is_still))
}

/// Of the busiest thread, the share of the window in which it was on a CPU or wanted one, and
/// the kernel's share of its time.
pub(crate) fn busiest(
    before: Option<&Threads>,
    after: Option<&Threads>,
    window: Duration,
) -> (f64, f64) {
    let (Some(before), Some(after)) = (before, after) else {
        return (0.0, 0.0);
    };
    let share = |(tid, after): (&u32, &Counters)| {
        let before = before.get(tid)?;
        let wanted = after
            .schedule
            .wanted_ns
            .saturating_sub(before.schedule.wanted_ns);
        let user = after.user.saturating_sub(before.user) as f64;
        let kernel = after.kernel.saturating_sub(before.kernel) as f64;
        let in_kernel = if user + kernel >= TELLING_TICKS && kernel >= LEAST_KERNEL_TICKS {
            kernel / (user + kernel)
        } else {
            0.0
        };
        Some((wanted as f64 / window.as_nanos().max(1) as f64, in_kernel))
    };
    let shares = after.iter().filter_map(share);
    shares
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or((0.0, 0.0))
}
