//! Counts wake-ups and CPU time, by the programs of `wakes.bpf.c`.

use std::collections::BTreeMap;
use std::io::Read as _;

use aya::include_bytes_aligned;
use aya::maps::{Array, Map, MapData, PerCpuHashMap};
use polter_bpf::{FittedObject, Link, Program, Refusal, not_taken};

static OBJECT: &[u8] = include_bytes_aligned!("wakes.bpf.o");

/// `struct wakes`: count, in_vain.
type Counts = [u64; 2];

/// Bytes of `struct used`.
const USED: usize = 24;

/// `WAITS` in `wakes.bpf.c`.
const WAITS: u32 = 1;

const CALLS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
];

/// What waits have brought a process, since the program was loaded and while it was attached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wakes {
    /// Waits that returned events.
    pub(crate) count: u64,
    /// Those after which the thread made no call but the next wait.
    pub(crate) in_vain: u64,
}

/// The programs, loaded.
pub(crate) struct Kernel {
    wakes: PerCpuHashMap<MapData, u32, Counts>,
    returned: Program,
    used: Program,
    link: Option<Link>,
}

impl Kernel {
    /// Loads them; nothing is counted yet.
    pub(crate) fn load() -> Result<Kernel, Refusal> {
        let object = FittedObject::of(OBJECT)?;
        let mut kinds: Array<MapData, u32> =
            Array::try_from(Map::Array(object.map("kinds")?)).map_err(not_taken)?;
        for call in CALLS {
            let number = u32::try_from(*call).map_err(not_taken)?;
            kinds.set(number, WAITS, 0).map_err(not_taken)?;
        }
        let wakes = Map::PerCpuHashMap(object.map("wakes")?);
        Ok(Kernel {
            wakes: PerCpuHashMap::try_from(wakes).map_err(not_taken)?,
            returned: object.load_tracepoint("returned", "sys_exit")?,
            used: object.load_iterator("used", "task")?,
            link: None,
        })
    }

    /// Begins to count wake-ups, or ends it.
    pub(crate) fn count(&mut self, is_on: bool) -> Result<(), Refusal> {
        self.link = is_on.then(|| self.returned.attach()).transpose()?;
        Ok(())
    }

    /// The counts so far, by the process as the kernel calls it.
    pub(crate) fn wakes(&mut self) -> Result<BTreeMap<u32, Wakes>, Refusal> {
        let mut all = BTreeMap::new();
        for entry in self.wakes.iter() {
            let (host, counts) = entry.map_err(not_taken)?;
            let sum = |at: usize| counts.iter().map(|it| it[at]).sum();
            all.insert(
                host,
                Wakes {
                    count: sum(0),
                    in_vain: sum(1),
                },
            );
        }
        Ok(all)
    }

    /// Forgets processes that have ended.
    pub(crate) fn forget(&mut self, hosts: impl Iterator<Item = u32>) {
        for host in hosts {
            // It may be forgotten already.
            let _ = self.wakes.remove(&host);
        }
    }

    /// The CPU time that each process has used, in nanoseconds, and what the kernel calls it.
    pub(crate) fn used(&self) -> Result<BTreeMap<u32, (u32, u64)>, Refusal> {
        let mut bytes = Vec::new();
        self.used.iterator()?.read_to_end(&mut bytes)?;
        let mut all: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
        for task in bytes.chunks_exact(USED) {
            let word = |at: usize| {
                task[at..]
                    .first_chunk()
                    .map_or(0, |it| u32::from_ne_bytes(*it))
            };
            let long = |at: usize| {
                task[at..]
                    .first_chunk()
                    .map_or(0, |it| u64::from_ne_bytes(*it))
            };
            let (host, pid) = (word(0), word(4));
            if pid != 0 {
                let of_process = all.entry(pid).or_insert((host, 0));
                of_process.1 += long(8) + long(16);
            }
        }
        Ok(all)
    }
}
