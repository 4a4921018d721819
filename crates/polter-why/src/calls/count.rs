//! Loads the program that counts calls, runs it for the window, and reads its tables.
//!
//! The layouts are those of `calls.bpf.c`.

use std::io::Read as _;

use aya::include_bytes_aligned;
use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, PerCpuHashMap};
use polter_bpf::{FittedObject, Link, Refusal, not_taken};

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

/// A program that counts calls, and the tables it counts in.
pub(crate) struct Counter {
    calls: PerCpuHashMap<MapData, Call, Results>,
    reports: PerCpuHashMap<MapData, Key, Reports>,
    losses: PerCpuArray<MapData, [u64; 2]>,
    link: Link,
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
        let losses = Map::PerCpuArray(object.map("losses")?);
        let counting = object.load_tracepoint("returned", "sys_exit")?;
        Ok(Counter {
            calls: PerCpuHashMap::try_from(calls).map_err(not_taken)?,
            reports: PerCpuHashMap::try_from(reports).map_err(not_taken)?,
            losses: PerCpuArray::try_from(losses).map_err(not_taken)?,
            link: counting.attach()?,
        })
    }

    /// Ends the count, and reads it.
    pub(crate) fn stop(self) -> Result<CallCounts, Refusal> {
        drop(self.link);
        let mut counts = CallCounts::default();
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
        let lost = self.losses.get(&0, 0).map_err(not_taken)?;
        counts.lost = lost.iter().map(|[calls, _]| calls).sum();
        counts.foreign = lost.iter().map(|[_, foreign]| foreign).sum();
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
}
