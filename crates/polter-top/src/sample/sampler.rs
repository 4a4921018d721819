//! The thread that looks again and again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use polter_scan::{Choice, Limits, Proc, Report, ScanError, Scanner, Scope, Snapshot};
use rustix::time::{ClockId, clock_gettime};

use super::Sample;
use super::rows::{Row, rows};

/// The part of a core that scans may take. With 1,000 processes one comes every few seconds then, and what the kernel counts
/// at each interval.
const SCANS: f64 = 0.006;

/// How long processes are watched where only some holders can name a file.
const WINDOW: Duration = Duration::from_millis(250);

/// The part of an interval in which wake-ups are counted.
const COUNTED: u32 = 10;

/// Where counts come from, beside scans.
pub(crate) enum Source {
    /// The kernel counts.
    #[cfg(feature = "bpf")]
    Kernel(Box<crate::kernel::Kernel>),
    /// `/proc` tells CPU times, and nobody counts wake-ups.
    Proc(String),
}

impl Source {
    /// The best that is permitted.
    pub(crate) fn best(choice: Choice) -> Source {
        match choice {
            Choice::Proc => Source::Proc("/proc was asked for".to_owned()),
            #[cfg(feature = "bpf")]
            _ => match crate::kernel::Kernel::load() {
                Ok(kernel) => Source::Kernel(Box::new(kernel)),
                Err(refusal) => Source::Proc(refusal.to_string()),
            },
            #[cfg(not(feature = "bpf"))]
            _ => Source::Proc("this polter was built without it".to_owned()),
        }
    }
}

/// What a process had counted at the last look.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Nanoseconds of CPU time.
    cpu: u64,
    #[cfg(feature = "bpf")]
    wakes: crate::kernel::Wakes,
}

/// Looks at the processes again and again.
pub(crate) struct Sampler {
    pub(crate) choice: Choice,
    pub(crate) interval: Duration,
    pub(crate) source: Source,
}

impl Sampler {
    /// Until nobody listens any more, or it is told to end. A scan that fails is told, and ends it.
    pub(crate) fn run(mut self, samples: &Sender<Result<Sample, ScanError>>, asks: &Receiver<()>) {
        let mut scanner = Scanner::new(self.choice);
        let mut scanned = match scan(&mut scanner) {
            Ok(scanned) => scanned,
            Err(error) => {
                let _ = samples.send(Err(error));
                return;
            }
        };
        let mut last: BTreeMap<u32, Seen> = BTreeMap::new();
        let mut since = Instant::now();
        loop {
            let slice = self.interval / COUNTED;
            self.count(true);
            let begun = Instant::now();
            if wait(asks, slice) == Wake::End {
                return;
            }
            let counted_for = begun.elapsed();
            self.count(false);
            let now = self.read(&scanned.rows);
            let mut sample = Sample {
                at: SystemTime::now(),
                scanned: scanned.at,
                rows: scanned.rows.clone(),
                snapshot: Arc::clone(&scanned.snapshot),
                report: Arc::clone(&scanned.report),
                no_counts: match &self.source {
                    Source::Proc(why) => Some(why.clone()),
                    #[cfg(feature = "bpf")]
                    Source::Kernel(_) => None,
                },
            };
            let elapsed = since.elapsed();
            since = Instant::now();
            for row in &mut sample.rows {
                if let (Some(then), Some(now)) = (last.get(&row.pid), now.get(&row.pid)) {
                    self.fill(row, *then, *now, elapsed, counted_for);
                }
            }
            last = now;
            if samples.send(Ok(sample)).is_err() {
                return;
            }
            let wake = wait(asks, self.interval.saturating_sub(begun.elapsed()));
            if wake == Wake::End {
                return;
            }
            // What was just removed is to be gone on the screen.
            if wake == Wake::Asked || scanned.began.elapsed() >= scanned.pause {
                match scan(&mut scanner) {
                    Ok(again) => scanned = again,
                    Err(error) => {
                        let _ = samples.send(Err(error));
                        return;
                    }
                }
            }
        }
    }

    fn count(&mut self, is_on: bool) {
        match &mut self.source {
            #[cfg(feature = "bpf")]
            Source::Kernel(kernel) => {
                if let Err(refusal) = kernel.count(is_on) {
                    self.source = Source::Proc(refusal.to_string());
                }
            }
            Source::Proc(_) => {
                let _ = is_on;
            }
        }
    }

    /// What processes have counted so far.
    fn read(&mut self, rows: &[Row]) -> BTreeMap<u32, Seen> {
        match &mut self.source {
            #[cfg(feature = "bpf")]
            Source::Kernel(kernel) => {
                let read = kernel.used().and_then(|used| Ok((used, kernel.wakes()?)));
                let (used, wakes) = match read {
                    Ok(read) => read,
                    Err(refusal) => {
                        self.source = Source::Proc(refusal.to_string());
                        return BTreeMap::new();
                    }
                };
                let alive: std::collections::BTreeSet<u32> =
                    used.values().map(|(host, _)| *host).collect();
                kernel.forget(wakes.keys().filter(|host| !alive.contains(host)).copied());
                let seen = used.into_iter().map(|(pid, (host, cpu))| {
                    let wakes = wakes.get(&host).copied().unwrap_or_default();
                    (pid, Seen { cpu, wakes })
                });
                seen.collect()
            }
            Source::Proc(_) => {
                let proc = Proc::live();
                let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
                let seen = rows.iter().filter_map(|row| {
                    let stat = proc.stat(row.pid).ok()?;
                    let cpu = stat.cpu_ticks * tick;
                    Some((
                        row.pid,
                        Seen {
                            cpu,
                            ..Seen::default()
                        },
                    ))
                });
                seen.collect()
            }
        }
    }

    fn fill(&self, row: &mut Row, then: Seen, now: Seen, elapsed: Duration, counted: Duration) {
        row.cpu = Some(now.cpu.saturating_sub(then.cpu) as f64 / elapsed.as_nanos().max(1) as f64);
        #[cfg(feature = "bpf")]
        if matches!(self.source, Source::Kernel(_)) {
            let count = now.wakes.count.saturating_sub(then.wakes.count);
            let in_vain = now.wakes.in_vain.saturating_sub(then.wakes.in_vain);
            row.wakes = Some(count as f64 / counted.as_secs_f64().max(0.001));
            row.in_vain = (count > 0).then(|| (in_vain as f64 / count as f64).min(1.0));
        }
        #[cfg(not(feature = "bpf"))]
        let _ = counted;
    }
}

/// A scan, and when the next one may come.
struct Scanned {
    at: SystemTime,
    began: Instant,
    pause: Duration,
    rows: Vec<Row>,
    snapshot: Arc<Snapshot>,
    report: Arc<Report>,
}

fn scan(scanner: &mut Scanner) -> Result<Scanned, ScanError> {
    let (at, began, used) = (SystemTime::now(), Instant::now(), cpu_time());
    let proc = Proc::live();
    let mut snapshot = scanner.take(&proc, &Scope::All, &Limits::default())?;
    snapshot.gather_evidence(&proc, WINDOW);
    let report = Report::of(&snapshot);
    let rows = rows(&snapshot, &report);
    let cost = cpu_time().saturating_sub(used);
    Ok(Scanned {
        at,
        began,
        pause: cost.div_f64(SCANS),
        rows,
        snapshot: Arc::new(snapshot),
        report: Arc::new(report),
    })
}

/// The CPU time that polter has used.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// The time is over.
    Time,
    /// A scan is wanted now.
    Asked,
    /// Nobody listens any more.
    End,
}

fn wait(asks: &Receiver<()>, at_most: Duration) -> Wake {
    match asks.recv_timeout(at_most) {
        Ok(()) => Wake::Asked,
        Err(RecvTimeoutError::Timeout) => Wake::Time,
        Err(RecvTimeoutError::Disconnected) => Wake::End,
    }
}
