//! A `/proc`, the machine's own or a captured one, read one file at a time.
//!
//! A process that vanishes or refuses is an answer ([`Why`]), not an error.
//! Nothing here waits: what is opened is opened without following links out of
//! the tree, and inodes are asked for without asking their file systems.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

use crate::fdinfo::FdInfo;
use crate::snapshot::{FileKey, Kind, OpenFd, Process, Why};
use crate::stat::Stat;

/// Bytes read of one file; an instance of a million registrations has 100 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Bytes read of a file that is not an instance's.
const SMALL: u64 = 64 << 10;

/// A tree of processes.
#[derive(Debug)]
pub struct Proc {
    root: PathBuf,
    is_live: bool,
    /// All sockets are on one device, and all pipes.
    socket_dev: Cell<Option<u32>>,
    pipe_dev: Cell<Option<u32>>,
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

    /// A tree that is taken for the running machine's.
    #[cfg(test)]
    pub(crate) fn live_at(root: &Path) -> Proc {
        Proc::at(root, true)
    }

    fn at(root: &Path, is_live: bool) -> Proc {
        Proc {
            root: root.to_owned(),
            is_live,
            socket_dev: Cell::new(None),
            pipe_dev: Cell::new(None),
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
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        let stat = self.stat_in(&dir)?;
        let fds = rustix::fs::openat(&dir, "fd", directory(), Mode::empty()).map_err(why)?;
        let mut open = Vec::new();
        for entry in rustix::fs::Dir::read_from(&fds).map_err(why)? {
            let entry = entry.map_err(why)?;
            let number = entry.file_name().to_str().ok();
            let Some(fd) = number.and_then(|name| name.parse().ok()) else {
                continue;
            };
            // Closed since it was listed: it was on its way.
            open.extend(self.read_fd(&dir, &fds, fd)?);
        }
        open.sort_unstable_by_key(|open| open.fd);
        Ok(Process {
            open,
            ..head(pid, stat, &dir)
        })
    }

    /// A process without what it has open.
    #[cfg(feature = "bpf")]
    pub(crate) fn head(&self, pid: u32) -> Result<Process, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        Ok(head(pid, self.stat_in(&dir)?, &dir))
    }

    /// What a number names now; nothing if it is closed.
    pub fn open_fd(&self, pid: u32, fd: i32) -> Result<Option<OpenFd>, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        let fds = rustix::fs::openat(&dir, "fd", directory(), Mode::empty()).map_err(why)?;
        self.read_fd(&dir, &fds, fd)
    }

    /// A descriptor's flags and registrations.
    pub fn fdinfo(&self, pid: u32, fd: i32) -> Result<FdInfo, Why> {
        let file = self.open(
            &self.root.join(format!("{pid}/fdinfo/{fd}")),
            OFlags::empty(),
        )?;
        let text = BufReader::with_capacity(SMALL as usize, File::from(file).take(MAX_BYTES));
        FdInfo::parse(text).map_err(|error| why_of(&error))
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

    fn read_fd(&self, dir: &OwnedFd, fds: &OwnedFd, fd: i32) -> Result<Option<OpenFd>, Why> {
        let name = fd.to_string();
        let target = match rustix::fs::readlinkat(fds, name.as_str(), Vec::new()) {
            Ok(target) => target.to_string_lossy().into_owned(),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(why(errno)),
        };
        let kind = Kind::of_target(&target);
        let (key, access) = if self.is_live {
            (self.live_key(fds, &name, kind, &target), None)
        } else {
            captured_key(dir, fd, kind, &target)
        };
        Ok(Some(OpenFd {
            fd,
            target,
            kind,
            key,
            access,
        }))
    }

    fn live_key(&self, fds: &OwnedFd, name: &str, kind: Kind, target: &str) -> Option<FileKey> {
        let known_dev = match kind {
            Kind::Socket => Some(&self.socket_dev),
            Kind::Pipe => Some(&self.pipe_dev),
            _ => None,
        };
        if let (Some(ino), Some(dev)) = (ino_of_target(target), known_dev.and_then(Cell::get)) {
            return Some(FileKey {
                dev: Some(dev),
                ino,
            });
        }
        // A network file system is not asked: it may never answer.
        let flags = AtFlags::STATX_DONT_SYNC;
        let stat = rustix::fs::statx(fds, name, flags, StatxFlags::INO).ok()?;
        let dev = stat.stx_dev_major << 20 | stat.stx_dev_minor;
        if let Some(known) = known_dev {
            known.set(Some(dev));
        }
        Some(FileKey {
            dev: Some(dev),
            ino: stat.stx_ino,
        })
    }

    fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Why> {
        rustix::fs::open(path, plain() | flags, Mode::empty()).map_err(why)
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
    target: &str,
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
fn ino_of_target(target: &str) -> Option<u64> {
    let (_, number) = target.split_once(":[")?;
    number.strip_suffix(']')?.parse().ok()
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
