//! Loads the programs into the kernel, attaches them, and reads the ring.

use std::io::{self, Read as _};
use std::time::Duration;

use aya::include_bytes_aligned;
use aya::maps::{Array, HashMap, Map, MapData, RingBuf};
use polter_bpf::{FittedObject, Link, Refusal, not_taken};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::calls::shapes;
use super::raw::Record;

static OBJECT: &[u8] = include_bytes_aligned!("record.bpf.o");

/// Bytes of the stack that are copied where a ghost is made.
const STACK: u32 = 8192;

/// Processes that can be named at once; `wanted` in `record.bpf.c` has as many places.
const MAX_PROCESSES: usize = 1 << 12;

/// Who is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These processes, and their children if `follows`.
    Processes {
        /// Their pids.
        pids: Vec<u32>,
        /// Whether what they fork is recorded too.
        follows: bool,
    },
    /// Whoever is in this cgroup or below it: its id, which is the inode of its folder.
    Cgroup {
        /// The id.
        id: u64,
        /// Its path below the root, with a slash before it.
        path: String,
    },
    /// All processes but this one.
    All,
}

/// `struct settings`: cgroup; scope and level; follows and stack; turn.
type Settings = [u64; 4];
/// `state`: made, lost, foreign; level and learnt; own; turn.
type State = [u64; 6];

/// What the programs count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Records that found no room.
    pub(crate) lost: u64,
    /// Calls of 32-bit programs.
    pub(crate) foreign: u64,
}

/// The programs, attached, and the ring.
pub(crate) struct Programs {
    settings: Array<MapData, Settings>,
    records: RingBuf<MapData>,
    /// What wakes the reader.
    urgent: RingBuf<MapData>,
    state: Array<MapData, State>,
    links: Vec<Link>,
}

impl Programs {
    /// Begins to record.
    pub(crate) fn start(scope: &Scope) -> Result<Programs, Refusal> {
        let object = FittedObject::of(OBJECT)?;
        let array = |name| Ok::<_, Refusal>(Map::Array(object.map(name)?));
        let mut table: Array<MapData, u32> =
            Array::try_from(array("shapes")?).map_err(not_taken)?;
        for (number, shape) in shapes() {
            table.set(number, shape, 0).map_err(not_taken)?;
        }
        let mut settings: Array<MapData, Settings> =
            Array::try_from(array("settings")?).map_err(not_taken)?;
        settings.set(0, settings_of(scope), 0).map_err(not_taken)?;
        let wanted = Map::HashMap(object.map("wanted")?);
        let mut wanted: HashMap<MapData, u32, u32> =
            HashMap::try_from(wanted).map_err(not_taken)?;
        if let Scope::Processes { pids, .. } = scope {
            if pids.len() > MAX_PROCESSES {
                return Err(not_taken(format!(
                    "{} processes are named, and {MAX_PROCESSES} can be",
                    pids.len()
                )));
            }
            for pid in pids {
                wanted.insert(pid, pid, 0).map_err(not_taken)?;
            }
        }
        // It goes over all tasks once, and says which of them are the processes asked for.
        let mut chosen = object.load_iterator("choose", "task")?.iterator()?;
        chosen.read_to_end(&mut Vec::new())?;
        let records = RingBuf::try_from(Map::RingBuf(object.map("records")?)).map_err(not_taken)?;
        let urgent = RingBuf::try_from(Map::RingBuf(object.map("urgent")?)).map_err(not_taken)?;
        let state = Array::try_from(array(".bss")?).map_err(not_taken)?;
        let mut links = Vec::new();
        for (program, tracepoint) in [
            ("delivered", "signal_deliver"),
            ("gone", "sched_process_exit"),
            ("executed", "sched_process_exec"),
            ("forked", "sched_process_fork"),
            ("returned", "sys_exit"),
            ("entered", "sys_enter"),
        ] {
            links.push(object.load_tracepoint(program, tracepoint)?.attach()?);
        }
        Ok(Programs {
            settings,
            records,
            urgent,
            state,
            links,
        })
    }

    /// The records so far are dropped: what they told is told again.
    pub(crate) fn turn(&mut self) -> Result<(), Refusal> {
        let mut settings = self.settings.get(&0, 0).map_err(not_taken)?;
        settings[3] += 1;
        self.settings.set(0, settings, 0).map_err(not_taken)
    }

    /// Records nothing more; what is in the ring can still be read.
    pub(crate) fn detach(&mut self) {
        self.links.clear();
    }

    /// Passes on what is in the ring, at most so many records; returns how many there were.
    pub(crate) fn drain(&mut self, most: usize, mut tell_fn: impl FnMut(Record<'_>)) -> usize {
        self.drain_bytes(most, |bytes| {
            if let Some(record) = Record::read(bytes) {
                tell_fn(record);
            }
        })
    }

    /// The same, of records as they are laid out.
    pub(crate) fn drain_bytes(&mut self, most: usize, mut tell_fn: impl FnMut(&[u8])) -> usize {
        let mut count = 0;
        while count < most {
            let Some(bytes) = self.records.next() else {
                break;
            };
            count += 1;
            tell_fn(&bytes);
        }
        count
    }

    /// Waits until the kernel says that something is to be read at once, or for so long.
    pub(crate) fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: at_most.as_secs() as i64,
            tv_nsec: at_most.subsec_nanos().into(),
        };
        match poll(
            &mut [PollFd::new(&self.urgent, PollFlags::IN)],
            Some(&timeout),
        ) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        while self.urgent.next().is_some() {}
        Ok(())
    }

    /// What the programs have counted so far.
    pub(crate) fn totals(&self) -> Result<Totals, Refusal> {
        let [_, lost, foreign, ..] = self.state.get(&0, 0).map_err(not_taken)?;
        Ok(Totals { lost, foreign })
    }
}

fn settings_of(scope: &Scope) -> Settings {
    let two = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    match *scope {
        Scope::Processes { follows, .. } => [0, 0, two(follows.into(), STACK), 0],
        Scope::All => [0, two(1, 0), two(1, STACK), 0],
        Scope::Cgroup { id, .. } => [id, two(2, 0), two(1, STACK), 0],
    }
}
