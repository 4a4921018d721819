//! A `/proc`, the machine's own or a captured one, read one file at a time.
//!
//! A process that vanishes or refuses is an answer ([`Why`]), not an error.
//! Nothing here waits: what is opened is opened without following links out of
//! the tree, and inodes are asked for without asking their file systems.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, Mode, OFlags, RawDir, StatxFlags};
use rustix::io::Errno;
use rustix::path::DecInt;

use crate::fdinfo::FdInfo;
use crate::parallel;
use crate::snapshot::{FileKey, Kind, OpenFd, Process, Why};
use crate::stat::Stat;

/// Bytes read of one file; an instance of a million registrations has 100 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Bytes read of a file that is not an instance's.
const SMALL: u64 = 64 << 10;

/// Bytes asked for at once: of an instance's text, and of a directory.
const AT_ONCE: usize = 128 << 10;
const ENTRIES: usize = 32 << 10;

/// Numbers of a process that are read by one thread.
const NUMBERS: usize = 4096;

/// Bytes of a link's target, which the kernel writes into a page.
const TARGET: usize = 4096;

/// A tree of processes.
#[derive(Debug)]
pub struct Proc {
    root: PathBuf,
    is_live: bool,
    /// All sockets are on one device, and all pipes.
    socket_dev: OnceLock<u32>,
    pipe_dev: OnceLock<u32>,
}

impl Proc {
    /// The running machine's.
    pub fn live() -> Proc {
        Proc::at(Path::new("/proc"), true)
    }

    /// A captured one. Files without an inode of their own cannot be told apart there.
    pub fn captured(root: &Path) -> Proc {
        Proc::at(root, false)
    }

    fn at(root: &Path, is_live: bool) -> Proc {
        Proc {
            root: root.to_owned(),
            is_live,
            socket_dev: OnceLock::new(),
            pipe_dev: OnceLock::new(),
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// True if the kernel can be asked about these processes.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// The device of all sockets, if one has been seen.
    pub(crate) fn socket_dev(&self) -> Option<u32> {
        self.socket_dev.get().copied()
    }

    /// Every process, ascending.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        numbers_in(&self.root)
    }

    /// The threads of a process, ascending.
    pub(crate) fn threads(&self, pid: u32) -> io::Result<Vec<u32>> {
        numbers_in(&self.root.join(format!("{pid}/task")))
    }

    /// True if a process has more threads than its first. Linux: `proc_task_getattr`.
    pub(crate) fn has_threads(&self, pid: u32) -> bool {
        let tasks = rustix::fs::stat(self.root.join(format!("{pid}/task")));
        tasks.is_ok_and(|stat| stat.st_nlink > 3)
    }

    /// A process with all it has open.
    pub fn process(&self, pid: u32) -> Result<Process, Why> {
        self.process_with(pid, true)
    }

    /// The same, without what the links say: it costs, and few ask for it.
    pub(crate) fn listed(&self, pid: u32) -> Result<Process, Why> {
        self.process_with(pid, false)
    }

    fn process_with(&self, pid: u32, with_targets: bool) -> Result<Process, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        let stat = self.stat_in(&dir)?;
        let numbers = Numbers::of(self, dir)?;
        let listed = numbers.listed()?;
        let parts = listed.chunks(NUMBERS).collect();
        let parts = parallel::map(parts, |part: &[i32]| {
            // What was closed since it was listed was on its way.
            let read = part.iter().map(|fd| numbers.read(*fd, with_targets));
            read.filter_map(Result::transpose)
                .collect::<Result<Vec<OpenFd>, Why>>()
        });
        let mut open = Vec::with_capacity(listed.len());
        for part in parts {
            open.extend(part?);
        }
        // The kernel lists them so; a captured tree need not.
        if !open.is_sorted_by_key(|open: &OpenFd| open.fd) {
            open.sort_unstable_by_key(|open| open.fd);
        }
        Ok(Process {
            open,
            ..head(pid, stat, &numbers.dir)
        })
    }

    /// A process without what it has open.
    #[cfg(feature = "bpf")]
    pub(crate) fn head(&self, pid: u32) -> Result<Process, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        Ok(head(pid, self.stat_in(&dir)?, &dir))
    }

    /// A process's numbers, to be asked about one by one.
    pub(crate) fn numbers(&self, pid: u32) -> Result<Numbers<'_>, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        Numbers::of(self, dir)
    }

    /// What a number names now; nothing if it is closed.
    pub fn open_fd(&self, pid: u32, fd: i32) -> Result<Option<OpenFd>, Why> {
        self.numbers(pid)?.read(fd, true)
    }

    /// A descriptor's flags and registrations.
    pub fn fdinfo(&self, pid: u32, fd: i32) -> Result<FdInfo, Why> {
        self.info(pid, fd)?.read(|_| true)
    }

    /// The text that says them, to be read more than once.
    pub(crate) fn info(&self, pid: u32, fd: i32) -> Result<InfoText, Why> {
        let path = self.root.join(format!("{pid}/fdinfo/{fd}"));
        let file = self.open(&path, OFlags::empty())?;
        Ok(InfoText {
            file: File::from(file),
            is_read: false,
        })
    }

    /// A process's `stat`.
    pub fn stat(&self, pid: u32) -> Result<Stat, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        self.stat_in(&dir)
    }

    /// A file of a process, as it is.
    pub fn bytes(&self, pid: u32, name: &str) -> Result<Vec<u8>, Why> {
        let path = self.root.join(format!("{pid}/{name}"));
        read(self.open(&path, OFlags::empty())?, MAX_BYTES)
    }

    fn stat_in(&self, dir: &OwnedFd) -> Result<Stat, Why> {
        let stat = rustix::fs::openat(dir, "stat", plain(), Mode::empty()).map_err(why)?;
        // A text that is none can only come from a capture.
        Stat::parse(&read(stat, SMALL)?).ok_or(Why::Vanished)
    }

    fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Why> {
        rustix::fs::open(path, plain() | flags, Mode::empty()).map_err(why)
    }
}

/// A process's numbers.
#[derive(Debug)]
pub(crate) struct Numbers<'a> {
    proc: &'a Proc,
    dir: OwnedFd,
    links: OwnedFd,
}

impl Numbers<'_> {
    fn of(proc: &Proc, dir: OwnedFd) -> Result<Numbers<'_>, Why> {
        let links = rustix::fs::openat(&dir, "fd", directory(), Mode::empty()).map_err(why)?;
        Ok(Numbers { proc, dir, links })
    }

    /// Those that are open.
    fn listed(&self) -> Result<Vec<i32>, Why> {
        let mut listed = Vec::new();
        let mut entries = Vec::with_capacity(ENTRIES);
        let mut entries = RawDir::new(&self.links, entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(why)?;
            let number = entry.file_name().to_str().ok();
            listed.extend(number.and_then(|name| name.parse::<i32>().ok()));
        }
        Ok(listed)
    }

    /// What a number names now; nothing if it is closed.
    pub(crate) fn read(&self, fd: i32, with_target: bool) -> Result<Option<OpenFd>, Why> {
        let name = DecInt::new(fd);
        let mut buffer = [MaybeUninit::uninit(); TARGET];
        let target = match rustix::fs::readlinkat_raw(&self.links, name.as_c_str(), &mut buffer) {
            Ok((target, _)) => &*target,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(why(errno)),
        };
        let kind = Kind::of_target(target);
        let (key, access) = if self.proc.is_live {
            (self.live_key(name.as_c_str(), kind, target), None)
        } else {
            captured_key(&self.dir, fd, kind, target)
        };
        let target = String::from_utf8_lossy(if with_target { target } else { b"" });
        Ok(Some(OpenFd {
            fd,
            target: target.into_owned(),
            kind,
            key,
            access,
        }))
    }

    fn live_key(&self, name: &CStr, kind: Kind, target: &[u8]) -> Option<FileKey> {
        let known_dev = match kind {
            Kind::Socket => Some(&self.proc.socket_dev),
            Kind::Pipe => Some(&self.proc.pipe_dev),
            _ => None,
        };
        if let (Some(ino), Some(dev)) = (ino_of_target(target), known_dev.and_then(OnceLock::get)) {
            return Some(FileKey {
                dev: Some(*dev),
                ino,
            });
        }
        // A network file system is not asked: it may never answer.
        let flags = AtFlags::STATX_DONT_SYNC;
        let stat = rustix::fs::statx(&self.links, name, flags, StatxFlags::INO).ok()?;
        let dev = stat.stx_dev_major << 20 | stat.stx_dev_minor;
        if let Some(known) = known_dev {
            known.get_or_init(|| dev);
        }
        Some(FileKey {
            dev: Some(dev),
            ino: stat.stx_ino,
        })
    }
}

/// A descriptor's text in `fdinfo`.
///
/// The kernel makes a buffer for it that is too small, writes until it is full, makes a
/// larger one, and begins again. It keeps the last: whoever reads once more from the same
/// descriptor pays for the text alone.
#[derive(Debug)]
pub(crate) struct InfoText {
    file: File,
    is_read: bool,
}

impl InfoText {
    /// Reads it as it is now, and keeps the registrations of these numbers.
    pub(crate) fn read(&mut self, is_kept_fn: impl Fn(i32) -> bool) -> Result<FdInfo, Why> {
        if self.is_read {
            self.file.rewind().map_err(|error| why_of(&error))?;
        }
        self.is_read = true;
        let text = BufReader::with_capacity(AT_ONCE, (&self.file).take(MAX_BYTES));
        FdInfo::parse_only(text, is_kept_fn).map_err(|error| why_of(&error))
    }
}

fn head(pid: u32, stat: Stat, dir: &OwnedFd) -> Process {
    let exe = rustix::fs::readlinkat(dir, "exe", Vec::new());
    Process {
        pid,
        ppid: stat.ppid,
        comm: stat.comm,
        exe: exe.ok().map(|path| path.to_string_lossy().into_owned()),
        start_time: stat.start_time,
        stack: stat.stack,
        open: Vec::new(),
    }
}

/// The entries of a directory that are numbers, ascending.
fn numbers_in(dir: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// What a captured tree can say: the link's own number, or fdinfo's; and the access mode.
fn captured_key(
    dir: &OwnedFd,
    fd: i32,
    kind: Kind,
    target: &[u8],
) -> (Option<FileKey>, Option<u32>) {
    let name = format!("fdinfo/{fd}");
    let file = rustix::fs::openat(dir, name, plain(), Mode::empty());
    let text = file.ok().and_then(|file| read(file, SMALL).ok());
    let info = text.and_then(|text| FdInfo::parse(&text[..]).ok());
    let of_target = ino_of_target(target).filter(|_| matches!(kind, Kind::Socket | Kind::Pipe));
    let ino = of_target.or(info.as_ref().and_then(|info| info.ino));
    let key = ino.map(|ino| FileKey { dev: None, ino });
    (key, info.map(|info| info.flags & libc::O_ACCMODE as u32))
}

/// The number in `socket:[1234]`.
fn ino_of_target(target: &[u8]) -> Option<u64> {
    let at = target.iter().position(|byte| *byte == b'[')?;
    let (head, number) = (&target[..at], &target[at + 1..]);
    let number = number.strip_suffix(b"]").filter(|_| head.ends_with(b":"))?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn plain() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK
}

fn directory() -> OFlags {
    plain() | OFlags::DIRECTORY
}

fn read(file: OwnedFd, limit: u64) -> Result<Vec<u8>, Why> {
    let mut text = Vec::new();
    File::from(file)
        .take(limit)
        .read_to_end(&mut text)
        .map_err(|error| why_of(&error))?;
    Ok(text)
}

fn why(errno: Errno) -> Why {
    match errno {
        Errno::ACCESS | Errno::PERM => Why::Refused,
        _ => Why::Vanished,
    }
}

fn why_of(error: &io::Error) -> Why {
    Errno::from_io_error(error).map_or(Why::Vanished, why)
}
