//! A `/proc`, the machine's own or a captured one, read one file at a time.
//!
//! A process that vanishes or refuses is an answer ([`Why`]), not an error.
//! Nothing here waits: what is opened is opened without following links out of
//! the tree, and inodes are asked for without asking their file systems.

mod numbers;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

pub(crate) use self::numbers::Numbers;
use crate::fdinfo::FdInfo;
use crate::snapshot::{OpenFd, Process, Why};
use crate::stat::Stat;

/// Bytes read of one file; an instance of a million registrations has 100 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Bytes read of a file that is not an instance's.
const SMALL: u64 = 64 << 10;

/// Bytes of an instance's text asked for at once.
const AT_ONCE: usize = 128 << 10;

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
    pub fn threads(&self, pid: u32) -> io::Result<Vec<u32>> {
        numbers_in(&self.root.join(format!("{pid}/task")))
    }

    /// True if a process has more threads than its first. Linux: `proc_task_getattr`.
    pub(crate) fn has_threads(&self, pid: u32) -> bool {
        let tasks = rustix::fs::stat(self.root.join(format!("{pid}/task")));
        tasks.is_ok_and(|stat| stat.st_nlink > 3)
    }

    /// True if a number is a thread's that is not its process's first.
    pub(crate) fn is_thread(&self, tid: u32) -> bool {
        // Linux: `proc_pid_status`; a thread's own directory is not listed, and there all the same.
        let status = self.bytes(tid, "status").unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        leader.is_some_and(|leader| leader.trim() != tid.to_string())
    }

    /// True if a process's program is for another kind of machine than this one, as far as
    /// that can be told: its calls have other numbers.
    pub(crate) fn is_foreign(&self, pid: u32) -> bool {
        const CLASS: usize = 4;
        let head = |pid: &str| {
            let mut head = [0_u8; 20];
            let file = File::open(self.root.join(format!("{pid}/exe")));
            file.and_then(|mut file| file.read_exact(&mut head)).ok()?;
            // Its class, and its machine.
            Some((head[CLASS], [head[18], head[19]]))
        };
        let (own, other) = (head("self"), head(&pid.to_string()));
        other.is_none() || own != other
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
        let open = numbers.read_all(with_targets)?;
        Ok(Process {
            open,
            ..head(pid, stat, numbers.dir())
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
        thread_of: None,
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
