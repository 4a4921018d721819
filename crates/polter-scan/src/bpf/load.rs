//! Loads the programs into the kernel, and runs them.
//!
//! The object is compiled from `walk.bpf.c` beforehand and is part of this crate, so building
//! polter needs no BPF compiler. The loader fits it to the running kernel by the kernel's BTF.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use aya::include_bytes_aligned;
use aya::maps::{Array, HashMap, Map, MapData, RingBuf};
use polter_bpf::{FittedObject, Program, Refusal, not_taken};
use rustix::event::{EventfdFlags, epoll};
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

use super::record::{Address, Record};
use crate::sys;

static OBJECT: &[u8] = include_bytes_aligned!("walk.bpf.o");

/// Questions that the program takes at once; `accused` in `walk.bpf.c` has as many places.
pub(super) const MAX_QUESTIONS: usize = 1 << 13;

/// After so many reads in a row without a record, the program is taken for broken.
const MAX_IDLE_READS: usize = 100_000;

/// How long reader and iterator wait for each other. Filling the ring takes some milliseconds.
const PAUSE: Duration = Duration::from_micros(100);

/// A registration that does not fit, to be asked about in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) table: Address,
    /// The fd of the instance there.
    pub(super) epfd: i32,
    pub(super) instance: Address,
    pub(super) file: Address,
    pub(super) fd: i32,
}

/// The parameters of a run; `settings` in `walk.bpf.c`.
type RunSettings = [u32; 6];

/// The programs, loaded into the kernel, and the maps they share with it.
pub(crate) struct Programs {
    object: FittedObject,
    walk: Program,
    /// Loaded when the first question comes: most scans have none.
    confirm: Option<Program>,
    records: RingBuf<MapData>,
    settings: Array<MapData, RunSettings>,
    accused: Array<MapData, [u64; 4]>,
    accused_in: HashMap<MapData, u64, [u32; 3]>,
    /// Counts the runs: a program forgets what it noted in an earlier run.
    run: u32,
    /// One file of each anonymous kind. The programs learn from them which operations mean which
    /// kind.
    samples: [OwnedFd; 4],
}

impl Programs {
    /// Loads the walk; `confirm` is loaded when the first question comes.
    pub(crate) fn load() -> Result<Programs, Refusal> {
        let object = FittedObject::of(OBJECT)?;
        let array = |name| Ok::<_, Refusal>(Map::Array(object.map(name)?));
        Ok(Programs {
            walk: object.load_iterator("walk", "task_file")?,
            confirm: None,
            records: RingBuf::try_from(Map::RingBuf(object.map("records")?)).map_err(not_taken)?,
            settings: Array::try_from(array("settings")?).map_err(not_taken)?,
            accused: Array::try_from(array("accused")?).map_err(not_taken)?,
            accused_in: HashMap::try_from(Map::HashMap(object.map("accused_in")?))
                .map_err(not_taken)?,
            object,
            run: 0,
            samples: samples()?,
        })
    }

    /// Walks over the whole machine, and passes on every record until `tell_fn` breaks off.
    pub(super) fn walk(
        &mut self,
        with_links: bool,
        tell_fn: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let iterator = self.walk.iterator()?;
        self.run(iterator, with_links, tell_fn)
    }

    /// Asks the questions, at most [`MAX_QUESTIONS`], which must be sorted by table.
    pub(super) fn confirm(
        &mut self,
        questions: &[Question],
        tell_fn: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let confirm = match self.confirm.take() {
            Some(confirm) => confirm,
            None => self.object.load_iterator("confirm", "task")?,
        };
        let iterator = self.confirm.insert(confirm).iterator()?;
        let mut at = 0;
        for of_table in questions.chunk_by(|a, b| a.table == b.table) {
            let range = [at, of_table.len() as u32, 0];
            for one in of_table {
                let [fd, epfd] = [one.fd, one.epfd].map(|fd| u64::from(fd.cast_unsigned()));
                let value = [one.file.0, fd, one.instance.0, epfd];
                self.accused.set(at, value, 0).map_err(not_taken)?;
                at += 1;
            }
            let inserted = self.accused_in.insert(of_table[0].table.0, range, 0);
            inserted.map_err(not_taken)?;
        }
        let told = self.run(iterator, false, tell_fn);
        for of_table in questions.chunk_by(|a, b| a.table == b.table) {
            let removed = self.accused_in.remove(&of_table[0].table.0);
            removed.map_err(not_taken)?;
        }
        told
    }

    /// Runs an iterator to its end, and reads the records that it writes meanwhile.
    fn run(
        &mut self,
        iterator: File,
        with_links: bool,
        mut tell_fn: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        self.run += 1;
        let [epoll, eventfd, timerfd, signalfd] = self.samples.each_ref().map(raw);
        let links = u32::from(with_links);
        let settings = [self.run, links, epoll, eventfd, timerfd, signalfd];
        self.settings.set(0, settings, 0).map_err(not_taken)?;
        let progress = Progress::default();
        thread::scope(|scope| {
            let reader = scope.spawn(|| read_to_end(iterator, &progress));
            let (mut told, mut is_stopped) = (Ok(()), false);
            loop {
                // Asked before the ring is emptied: the other way round, the last records could be
                // written in between, and be left in the ring.
                let is_last = reader.is_finished();
                let mut count = 0;
                while let Some(bytes) = self.records.next() {
                    count += 1;
                    match Record::read(&bytes) {
                        // The rest is read and dropped, or the next run would find it in the ring.
                        _ if is_stopped => {}
                        Some(record) => is_stopped = tell_fn(record).is_break(),
                        None => {
                            told = Err(Refusal::NotTaken("a record of another make".to_owned()));
                            is_stopped = true;
                        }
                    }
                }
                progress.records.fetch_add(count, Relaxed);
                progress.is_stopped.fetch_or(is_stopped, Relaxed);
                match count {
                    _ if is_last => break,
                    0 => thread::sleep(PAUSE),
                    _ => {}
                }
            }
            let read = reader.join().unwrap_or_else(|panic| resume_unwind(panic));
            told.and(read)
        })
    }
}

/// What the thread that reads the records tells the one that runs the iterator.
#[derive(Debug, Default)]
struct Progress {
    records: AtomicU64,
    is_stopped: AtomicBool,
}

/// Runs an iterator until it is over, or until nobody wants its records. The program ends a read
/// with `EAGAIN` when the ring is full, and continues behind its last key at the next read.
fn read_to_end(mut iterator: File, progress: &Progress) -> Result<(), Refusal> {
    let (mut idle, mut seen) = (0, 0);
    while idle < MAX_IDLE_READS {
        let is_over = match iterator.read(&mut [0; 64]) {
            Ok(count) => count == 0,
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            Err(error) => return Err(error.into()),
        };
        if is_over || progress.is_stopped.load(Relaxed) {
            return Ok(());
        }
        let records = progress.records.load(Relaxed);
        idle = if records == seen { idle + 1 } else { 0 };
        seen = records;
        thread::sleep(PAUSE);
    }
    Err(Refusal::NotTaken("it does not end".to_owned()))
}

/// One file of each kind: an epoll instance, an eventfd, a timerfd and a signalfd.
fn samples() -> io::Result<[OwnedFd; 4]> {
    Ok([
        epoll::create(epoll::CreateFlags::CLOEXEC)?,
        rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?,
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?,
        sys::signalfd()?,
    ])
}

fn raw(fd: &OwnedFd) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}
