//! A `/proc`, the machine's own or a captured one.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::fdinfo::FdInfo;
use super::fds::{Devices, Fds};
use super::file::{SMALL, plain, read, why, why_of};
use super::stat::Stat;
use crate::snapshot::{OpenFd, Process, Why};

/// Bytes read of one file at most; the fdinfo of a million registrations has 100 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Bytes of an instance's fdinfo that are read at once.
const AT_ONCE: usize = 128 << 10;

/// A tree of processes: `/proc`, or a captured one.
#[derive(Debug)]
pub struct Proc {
    root: PathBuf,
    is_live: bool,
    devices: Devices,
}

impl Proc {
    /// The running machine's `/proc`.
    pub fn live() -> Proc {
        Proc::at(Path::new("/proc"), true)
    }

    /// A captured tree. Files without an inode of their own cannot be told apart there.
    pub fn captured(root: &Path) -> Proc {
        Proc::at(root, false)
    }

    fn at(root: &Path, is_live: bool) -> Proc {
        Proc {
            root: root.to_owned(),
            is_live,
            devices: Devices::default(),
        }
    }

    /// The directory it is read from.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// True if the kernel can be asked about these processes.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// The device of all sockets, if one has been seen.
    pub(crate) fn socket_dev(&self) -> Option<u32> {
        self.devices.socket()
    }

    /// The pids that the tree shows, ascending; threads other than the leader are not listed.
    ///
    /// Errors: what opendir(3) says of the tree itself.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        numbers_in(&self.root)
    }

    /// The threads of a process, ascending.
    pub fn threads(&self, pid: u32) -> io::Result<Vec<u32>> {
        numbers_in(&self.root.join(format!("{pid}/task")))
    }

    /// True if a process has more than one thread: one `stat` instead of listing the directory.
    /// Linux: `proc_task_getattr` counts the threads into the links.
    pub(crate) fn has_threads(&self, pid: u32) -> bool {
        let tasks = rustix::fs::stat(self.root.join(format!("{pid}/task")));
        tasks.is_ok_and(|stat| stat.st_nlink > 3)
    }

    /// True if `tid` is a thread other than its process's first.
    pub(crate) fn is_thread(&self, tid: u32) -> bool {
        // `/proc/TID` is not listed for such a thread, but it can be opened. Linux:
        // `proc_pid_status`.
        let status = self.bytes(tid, "status").unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        leader.is_some_and(|leader| leader.trim() != tid.to_string())
    }

    /// True unless a process's program is known to be for the same kind of machine as this one.
    ///
    /// A 32-bit program's calls have other numbers, so its `syscall` file must not be read by the
    /// numbers of this one.
    pub(crate) fn is_foreign(&self, pid: u32) -> bool {
        const CLASS: usize = 4;
        let head = |pid: &str| {
            let mut head = [0_u8; 20];
            let file = File::open(self.root.join(format!("{pid}/exe")));
            file.and_then(|mut file| file.read_exact(&mut head)).ok()?;
            // ELF: the class (32 or 64 bits), and the machine.
            Some((head[CLASS], [head[18], head[19]]))
        };
        let (own, other) = (head("self"), head(&pid.to_string()));
        other.is_none() || own != other
    }

    /// A process with all its open fds.
    pub fn process(&self, pid: u32) -> Result<Process, Why> {
        self.process_with(pid, true)
    }

    /// The same without the links' targets, which take a string for every fd and which a scan
    /// does not need.
    pub(crate) fn listed(&self, pid: u32) -> Result<Process, Why> {
        self.process_with(pid, false)
    }

    fn process_with(&self, pid: u32, with_targets: bool) -> Result<Process, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        let stat = self.stat_in(&dir)?;
        let fds = Fds::of(&self.devices, self.is_live, dir)?;
        let open = fds.read_all(with_targets)?;
        Ok(Process {
            open,
            ..head(pid, stat, fds.dir())
        })
    }

    /// A process without its fds.
    #[cfg(feature = "bpf")]
    pub(crate) fn head(&self, pid: u32) -> Result<Process, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        Ok(head(pid, self.stat_in(&dir)?, &dir))
    }

    /// A process's fds, to be read one by one.
    pub(crate) fn fds(&self, pid: u32) -> Result<Fds<'_>, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        Fds::of(&self.devices, self.is_live, dir)
    }

    /// What an fd names now; `None` if it is closed.
    pub fn open_fd(&self, pid: u32, fd: i32) -> Result<Option<OpenFd>, Why> {
        self.fds(pid)?.read(fd, true)
    }

    /// An fd's flags and registrations.
    pub fn fdinfo(&self, pid: u32, fd: i32) -> Result<FdInfo, Why> {
        self.info(pid, fd)?.read(|_| true)
    }

    /// The file that says them, to be read more than once.
    pub(crate) fn info(&self, pid: u32, fd: i32) -> Result<InfoText, Why> {
        let path = self.root.join(format!("{pid}/fdinfo/{fd}"));
        let file = self.open(&path, OFlags::empty())?;
        Ok(InfoText {
            file: File::from(file),
            is_read: false,
        })
    }

    /// Reads `/proc/PID/stat` (proc_pid_stat(5)): start time, state, CPU time.
    pub fn stat(&self, pid: u32) -> Result<Stat, Why> {
        let dir = self.open(&self.root.join(pid.to_string()), OFlags::DIRECTORY)?;
        self.stat_in(&dir)
    }

    /// The bytes of one of a process's files.
    pub fn bytes(&self, pid: u32, name: &str) -> Result<Vec<u8>, Why> {
        let path = self.root.join(format!("{pid}/{name}"));
        read(self.open(&path, OFlags::empty())?, MAX_BYTES)
    }

    fn stat_in(&self, dir: &OwnedFd) -> Result<Stat, Why> {
        let stat = rustix::fs::openat(dir, "stat", plain(), Mode::empty()).map_err(why)?;
        // The kernel always writes a line that can be parsed; a capture may hold anything.
        Stat::parse(&read(stat, SMALL)?).ok_or(Why::Vanished)
    }

    fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Why> {
        rustix::fs::open(path, plain() | flags, Mode::empty()).map_err(why)
    }
}

/// An fd's `fdinfo`, kept open to be read again.
///
/// The kernel writes the text into a buffer that is too small at first, and begins anew with a
/// larger one until it fits. The open file keeps the last buffer, so reading it again costs the
/// text alone; opening it again would cost all of that.
#[derive(Debug)]
pub(crate) struct InfoText {
    file: File,
    is_read: bool,
}

impl InfoText {
    /// Reads it as it is now, and keeps the registrations of the fds that are asked for.
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

/// The names in a directory that are numbers, ascending: pids or tids.
fn numbers_in(dir: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// True if some processes of the machine are out of sight: we are in a pid namespace.
pub(crate) fn is_contained() -> bool {
    /// Linux: `PROC_PID_INIT_INO`
    const FIRST: &str = "pid:[4026531836]";
    let namespace = std::fs::read_link("/proc/self/ns/pid");
    namespace.is_ok_and(|target| target.as_os_str() != FIRST)
}
