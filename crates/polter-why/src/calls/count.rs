//! Loads the program that counts calls, runs it for the window, and reads its tables.
//!
//! The layouts are those of `calls.bpf.c`.

use std::io::Read as _;
use std::time::{Duration, Instant};

use aya::include_bytes_aligned;
use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, PerCpuHashMap};
use polter_bpf::{FittedObject, Link, Program, Refusal, not_taken};

use super::kinds::{MAX_CALLS, kind_of};
use crate::facts::{CallCounts, Counted, Reported};

static OBJECT: &[u8] = include_bytes_aligned!("calls.bpf.o");

/// Processes that are counted at once; `targets` in `calls.bpf.c` has as many places.
const MAX_PROCESSES: usize = 1 << 12;

/// `struct call`: pid, tid, fd, operation and number. The last two share a word.
type Call = [u32; 4];
/// `struct results`: count, again, failed, zero, error and at_once, events, events_left_out.
type Results = [u64; 7];
/// `struct reported`: pid and epfd, data.
type Key = [u64; 2];
/// `struct reports`: count, events.
type Reports = [u64; 2];

/// `struct totals`: seen, lost, foreign.
type Totals = [u64; 3];

/// Calls a second from which on the count pauses. At this many, counting all of them takes about one part in a hundred of
/// a core.
const MANY: f64 = 20_000.0;

/// A program that counts calls, and the tables it counts in.
pub(crate) struct Counter {
    calls: PerCpuHashMap<MapData, Call, Results>,
    reports: PerCpuHashMap<MapData, Key, Reports>,
    totals: PerCpuArray<MapData, Totals>,
    program: Program,
    /// While it counts.
    slice: Option<Slice>,
    /// Slices so far, and looks for which it still pauses.
    slices: u32,
    pause: u32,
    started: Instant,
    /// How long it has counted, in the slices that are over.
    counted_for: Duration,
}

/// A time in which the program is attached.
struct Slice {
    _link: Link,
    since: Instant,
    /// Calls seen before it.
    seen_before: u64,
}

impl Counter {
    /// Begins to count the calls of these processes.
    pub(crate) fn start(pids: &[u32]) -> Result<Counter, Refusal> {
        let object = FittedObject::of(OBJECT)?;
        let hash = |name| Ok::<_, Refusal>(Map::HashMap(object.map(name)?));
        let mut kinds: Array<MapData, u32> =
            Array::try_from(Map::Array(object.map("kinds")?)).map_err(not_taken)?;
        for number in 0..MAX_CALLS {
            let kind = kind_of(number) as u32;
            if kind != 0 {
                kinds.set(number, kind, 0).map_err(not_taken)?;
            }
        }
        let mut wanted: HashMap<MapData, u32, u32> =
            HashMap::try_from(hash("wanted")?).map_err(not_taken)?;
        for pid in pids.iter().take(MAX_PROCESSES) {
            wanted.insert(pid, pid, 0).map_err(not_taken)?;
        }
        // It goes over all tasks once, and says which of them are the processes asked for.
        let mut chosen = object.load_iterator("choose", "task")?.iterator()?;
        chosen.read_to_end(&mut Vec::new())?;
        let calls = Map::PerCpuHashMap(object.map("calls")?);
        let reports = Map::PerCpuHashMap(object.map("reports")?);
        let totals = Map::PerCpuArray(object.map("totals")?);
        let mut counter = Counter {
            calls: PerCpuHashMap::try_from(calls).map_err(not_taken)?,
            reports: PerCpuHashMap::try_from(reports).map_err(not_taken)?,
            totals: PerCpuArray::try_from(totals).map_err(not_taken)?,
            program: object.load_tracepoint("returned", "sys_exit")?,
            slice: None,
            slices: 0,
            pause: 0,
            started: Instant::now(),
            counted_for: Duration::ZERO,
        };
        counter.begin_slice()?;
        counter.started = Instant::now();
        Ok(counter)
    }

    /// Counts on, or pauses: where the calls are many, one part of the window in four is enough, and costs a quarter.
    ///
    /// To be called some twenty times in the window, at equal distances.
    pub(crate) fn look(&mut self) -> Result<(), Refusal> {
        if let Some(slice) = &self.slice {
            let seen = self.seen()?.saturating_sub(slice.seen_before);
            let is_many = seen as f64 >= MANY * slice.since.elapsed().as_secs_f64();
            if is_many {
                self.end_slice();
                // Two to four, in turn: a pace of the program's own is not met at the same place each time.
                self.pause = 2 + self.slices % 3;
            }
            return Ok(());
        }
        self.pause -= 1;
        match self.pause {
            0 => self.begin_slice(),
            _ => Ok(()),
        }
    }

    fn begin_slice(&mut self) -> Result<(), Refusal> {
        let seen_before = self.seen()?;
        self.slice = Some(Slice {
            _link: self.program.attach()?,
            since: Instant::now(),
            seen_before,
        });
        self.slices += 1;
        Ok(())
    }

    fn end_slice(&mut self) {
        if let Some(slice) = self.slice.take() {
            self.counted_for += slice.since.elapsed();
        }
    }

    fn seen(&self) -> Result<u64, Refusal> {
        let totals = self.totals.get(&0, 0).map_err(not_taken)?;
        Ok(totals.iter().map(|[seen, ..]| seen).sum())
    }

    /// Ends the count, and reads it; counts of slices are scaled up to the whole window.
    pub(crate) fn stop(mut self) -> Result<CallCounts, Refusal> {
        let window = self.started.elapsed();
        self.end_slice();
        let mut counts = CallCounts {
            counted_ms: self.counted_for.as_millis() as u64,
            ..CallCounts::default()
        };
        for entry in self.calls.iter() {
            let (call, results) = entry.map_err(not_taken)?;
            counts.calls.push(counted(call, results.iter()));
        }
        for entry in self.reports.iter() {
            let (key, reports) = entry.map_err(not_taken)?;
            let [names, data] = key;
            counts.reports.push(Reported {
                pid: names as u32,
                epfd: ((names >> 32) as u32).cast_signed(),
                data,
                count: reports.iter().map(|[count, _]| count).sum(),
                events: reports
                    .iter()
                    .fold(0, |all, [_, events]| all | *events as u32),
            });
        }
        let totals = self.totals.get(&0, 0).map_err(not_taken)?;
        counts.lost = totals.iter().map(|[_, lost, _]| lost).sum();
        counts.foreign = totals.iter().map(|[.., foreign]| foreign).sum();
        if self.slices > 1 || self.pause > 0 {
            let counted_for = self.counted_for.as_secs_f64().max(0.001);
            counts.scale(window.as_secs_f64() / counted_for);
        }
        counts
            .calls
            .sort_unstable_by_key(|it| (it.pid, it.tid, it.number, it.fd, it.operation));
        counts
            .reports
            .sort_unstable_by_key(|it| (it.pid, it.epfd, it.data));
        Ok(counts)
    }
}

/// One row, summed over the CPUs.
fn counted<'a>(call: Call, of_cpus: impl Iterator<Item = &'a Results>) -> Counted {
    let [pid, tid, fd, what] = call;
    let mut row = Counted {
        pid,
        tid,
        number: (what >> 16) as u16,
        operation: what as u16,
        fd: fd.cast_signed(),
        ..Counted::default()
    };
    for [count, again, failed, zero, words, events, left_out] in of_cpus {
        row.count += count;
        row.again += again;
        row.failed += failed;
        row.zero += zero;
        row.at_once += words >> 32;
        row.events += events;
        row.events_left_out += left_out;
        // Each CPU keeps its last error: any of them tells.
        row.error = (*words as u32).max(row.error);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::{Counter, counted};
    use crate::calls::{Effect, effect_of};
    use polter_bpf::Refusal;

    #[test]
    fn the_cpus_rows_make_one() {
        let rows = [[3, 1, 0, 2, 0, 5, 0], [1, 0, 1, 0, 2 << 32 | 24, 0, 0]];
        let row = counted([7, 8, u32::MAX, 288 << 16 | 2], rows.iter());
        assert_eq!(
            (row.pid, row.tid, row.fd, row.number, row.operation),
            (7, 8, -1, 288, 2)
        );
        assert_eq!((row.count, row.again, row.failed, row.zero), (4, 1, 1, 2));
        assert_eq!((row.error, row.at_once, row.events), (24, 2, 5));
    }

    /// Counts the calls of this very process; skipped, aloud, where that is refused.
    #[test]
    fn ones_own_calls_are_counted() {
        use std::io::{Read as _, Write as _};
        use std::os::fd::AsRawFd as _;

        let counter = match Counter::start(&[std::process::id()]) {
            Err(Refusal::NotPermitted) => {
                let _ = writeln!(std::io::stderr(), "skipped: {}", Refusal::NotPermitted);
                return;
            }
            counter => counter.expect("the kernel takes the program"),
        };
        let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
        for _ in 0..100 {
            writer.write_all(b"x").expect("room");
            reader.read_exact(&mut [0]).expect("it");
        }
        let counts = counter.stop().expect("its tables");
        let on = |fd: i32, effect| {
            let rows = counts.calls.iter();
            let of_it = rows.filter(|row| row.fd == fd && effect_of(row.number) == effect);
            of_it.map(|row| row.count).sum::<u64>()
        };
        assert!(on(reader.as_raw_fd(), Effect::Takes) >= 100, "{counts:?}");
        assert!(on(writer.as_raw_fd(), Effect::Puts) >= 100, "{counts:?}");
        assert_eq!((counts.lost, counts.foreign), (0, 0));
    }

    /// A thread that does nothing but call is counted for a part of the time, and its counts are scaled up.
    #[test]
    fn many_calls_are_counted_in_slices() {
        use std::io::Write as _;
        use std::time::{Duration, Instant};

        let mut counter = match Counter::start(&[std::process::id()]) {
            Err(Refusal::NotPermitted) => return,
            counter => counter.expect("the kernel takes the program"),
        };
        let start = Instant::now();
        let mut made = 0;
        for look in 1..=24 {
            while start.elapsed() < Duration::from_millis(10) * look {
                for _ in 0..1000 {
                    std::thread::yield_now();
                }
                made += 1000;
            }
            counter.look().expect("to attach it again");
        }
        let window = start.elapsed().as_millis() as u64;
        let counts = counter.stop().expect("its tables");
        let of_it =
            |row: &&crate::facts::Counted| libc::c_long::from(row.number) == libc::SYS_sched_yield;
        let counted: u64 = counts.calls.iter().filter(of_it).map(|it| it.count).sum();
        assert!(counts.counted_ms > 0);
        let is_many = made as f64 >= 2.0 * super::MANY * window as f64 / 1000.0;
        if !is_many {
            // Whoever else wants the CPU has it: the calls are few, and all of them are counted.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: too few calls on a busy machine"
            );
            return;
        }
        assert!(
            counts.counted_ms < window,
            "{} of {window} ms",
            counts.counted_ms
        );
        assert!(
            counted > made / 10 && counted < made * 10,
            "{counted} of {made}"
        );
    }
}
