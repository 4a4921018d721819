//! The programs, put into the kernel and run.
//!
//! The object is made from `walk.bpf.c` beforehand and is part of this crate: nobody
//! needs a compiler for it. The loader fits it to the running kernel by its BTF.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use aya::maps::{Array, HashMap, MapData, RingBuf};
use aya::programs::{Iter, ProgramError};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};
use rustix::event::{EventfdFlags, epoll};
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

use super::btf::Kernel;
use super::record::{Address, Record};
use crate::sys;

static OBJECT: &[u8] = include_bytes_aligned!("walk.bpf.o");

/// Accused registrations the kernel takes at once; `accused` in `walk.bpf.c`.
pub(super) const ACCUSED: usize = 1 << 16;

/// Reads that end without a record before it is taken for broken.
const MAX_IDLE_READS: usize = 100_000;

/// How long one waits for the other, who has some milliseconds to fill the ring.
const PAUSE: Duration = Duration::from_micros(100);

/// Why the kernel does not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// This user may not.
    #[error("the kernel refuses BPF to this user: it needs root, or CAP_BPF and CAP_PERFMON")]
    NotPermitted,
    /// The kernel does not say where its fields are.
    #[error("the kernel does not say where its fields are: {0}")]
    NoBtf(String),
    /// The kernel does not take the program.
    #[error("the kernel does not take the program: {0}")]
    NotTaken(String),
    /// It did, and something else failed.
    #[error("cannot read the kernel's answer: {0}")]
    Unreadable(#[from] io::Error),
}

/// A registration, and the table it is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) table: Address,
    /// What the instance is called there.
    pub(super) epfd: i32,
    pub(super) instance: Address,
    pub(super) file: Address,
    pub(super) fd: i32,
}

/// The programs, in the kernel.
pub(super) struct Programs {
    functions: Btf,
    loaded: Ebpf,
    records: RingBuf<MapData>,
    settings: Array<MapData, [u32; 2]>,
    accused: Array<MapData, [u64; 4]>,
    accused_in: HashMap<MapData, u64, [u32; 3]>,
    /// Counts the runs.
    run: u32,
    /// Whose kinds the programs learn: they stay open.
    _samples: [OwnedFd; 4],
}

impl Programs {
    /// Loads them; `confirm` follows when it is needed.
    pub(super) fn load() -> Result<Programs, Refusal> {
        // A loader reads all of the kernel's types as it is made, asked or not: beside this.
        let (mut loader, kernel) = thread::scope(|scope| {
            let loader = scope.spawn(EbpfLoader::new);
            let kernel = Kernel::of(OBJECT);
            let loader = loader.join().unwrap_or_else(|_| EbpfLoader::new());
            (loader, kernel)
        });
        let kernel = kernel.map_err(Refusal::NoBtf)?;
        let samples = samples()?;
        let numbers = samples.each_ref().map(OwnedFd::as_raw_fd);
        let [epoll, eventfd, timerfd, signalfd] = numbers;
        let mut loaded = loader
            .btf(Some(&kernel.types))
            .override_global("own_epoll", &epoll, true)
            .override_global("own_eventfd", &eventfd, true)
            .override_global("own_timerfd", &timerfd, true)
            .override_global("own_signalfd", &signalfd, true)
            .load(OBJECT)
            .map_err(refusal)?;
        load_program(&mut loaded, "walk", "task_file", &kernel.functions)?;
        let mut take = |name| {
            let missing = || Refusal::NotTaken(format!("no map {name}"));
            loaded.take_map(name).ok_or_else(missing)
        };
        Ok(Programs {
            records: RingBuf::try_from(take("records")?).map_err(refusal)?,
            settings: Array::try_from(take("settings")?).map_err(refusal)?,
            accused: Array::try_from(take("accused")?).map_err(refusal)?,
            accused_in: HashMap::try_from(take("accused_in")?).map_err(refusal)?,
            functions: kernel.functions,
            loaded,
            run: 0,
            _samples: samples,
        })
    }

    /// Walks over everything, and tells every record until it is told to stop.
    pub(super) fn walk(
        &mut self,
        with_links: bool,
        tell_fn: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        self.run("walk", with_links, tell_fn)
    }

    /// Looks at the accused again, at most [`ACCUSED`], those of a table together.
    pub(super) fn confirm(
        &mut self,
        questions: &[Question],
        tell_fn: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        load_program(&mut self.loaded, "confirm", "task", &self.functions)?;
        let mut at = 0;
        for of_table in questions.chunk_by(|a, b| a.table == b.table) {
            let range = [at, of_table.len() as u32, 0];
            for one in of_table {
                let [fd, epfd] = [one.fd, one.epfd].map(|fd| u64::from(fd.cast_unsigned()));
                let value = [one.file.0, fd, one.instance.0, epfd];
                self.accused.set(at, value, 0).map_err(refusal)?;
                at += 1;
            }
            let inserted = self.accused_in.insert(of_table[0].table.0, range, 0);
            inserted.map_err(refusal)?;
        }
        let told = self.run("confirm", false, tell_fn);
        for of_table in questions.chunk_by(|a, b| a.table == b.table) {
            let removed = self.accused_in.remove(&of_table[0].table.0);
            removed.map_err(refusal)?;
        }
        told
    }

    /// Runs an iterator to its end, and takes what it tells meanwhile.
    fn run(
        &mut self,
        name: &str,
        with_links: bool,
        mut tell_fn: impl FnMut(Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        self.run += 1;
        let settings = [self.run, u32::from(with_links)];
        self.settings.set(0, settings, 0).map_err(refusal)?;
        let iterator = self.iterator(name)?;
        let progress = Progress::default();
        thread::scope(|scope| {
            let reader = scope.spawn(|| read_to_end(iterator, &progress));
            let (mut told, mut is_stopped) = (Ok(()), false);
            loop {
                // What it told last is in the ring when it has ended.
                let is_last = reader.is_finished();
                let mut count = 0;
                while let Some(bytes) = self.records.next() {
                    count += 1;
                    match Record::read(&bytes) {
                        // What is in the ring is not for the next run.
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

    fn iterator(&mut self, name: &str) -> Result<File, Refusal> {
        let program = iterator_of(&mut self.loaded, name)?;
        let id = program.attach().map_err(refusal)?;
        let link = program.take_link(id).map_err(refusal)?;
        link.into_file().map_err(refusal)
    }
}

/// What the one who takes the records says to the one who has them made.
#[derive(Debug, Default)]
struct Progress {
    records: AtomicU64,
    is_stopped: AtomicBool,
}

/// Has an iterator run until it is over or nobody listens; it asks for room by `EAGAIN`.
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

fn load_program(loaded: &mut Ebpf, name: &str, over: &str, functions: &Btf) -> Result<(), Refusal> {
    let program = iterator_of(loaded, name)?;
    match program.load(over, functions) {
        Ok(()) | Err(ProgramError::AlreadyLoaded) => Ok(()),
        Err(error) => Err(refusal(error)),
    }
}

fn iterator_of<'a>(loaded: &'a mut Ebpf, name: &str) -> Result<&'a mut Iter, Refusal> {
    let missing = || Refusal::NotTaken(format!("no program {name}"));
    let program = loaded.program_mut(name).ok_or_else(missing)?;
    program.try_into().map_err(refusal)
}

/// An epoll instance, an eventfd, a timerfd and a signalfd.
fn samples() -> io::Result<[OwnedFd; 4]> {
    Ok([
        epoll::create(epoll::CreateFlags::CLOEXEC)?,
        rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?,
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?,
        sys::signalfd()?,
    ])
}

/// What is behind an error of the loader's.
fn refusal(error: impl Error + 'static) -> Refusal {
    let mut cause: &(dyn Error + 'static) = &error;
    let mut text = cause.to_string();
    loop {
        let errno = cause.downcast_ref::<io::Error>();
        let errno = errno.and_then(io::Error::raw_os_error);
        // A program that does not pass is refused by EACCES, a user by EPERM.
        if errno == Some(libc::EPERM) {
            return Refusal::NotPermitted;
        }
        let Some(source) = cause.source() else { break };
        cause = source;
        text = cause.to_string();
    }
    // The verifier says more than a line.
    let line = text.trim().lines().next_back().unwrap_or_default();
    Refusal::NotTaken(line.chars().take(200).collect())
}
