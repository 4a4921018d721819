//! What was seen: processes, the instances they hold, the registrations in them.
//!
//! ```text
//!   Snapshot ── processes ── Process ── open: number, target, kind, key
//!            └─ instances ── Instance ─┬ names          (process, number) of it, however many
//!                                      └ registrations ─┬ tables   what the number means, in each
//!                                                       └ held_by  who has the file open
//! ```
//!
//! A plain value, wherever it came from: `/proc`, or a walk in the kernel. Nothing
//! in it is a judgement. Names and targets are the processes' own: whoever prints them
//! escapes them.

use std::collections::BTreeMap;

use serde::Serialize;
use smallvec::SmallVec;

use crate::evidence::Evidence;
use crate::source::Source;

/// Everything that was seen, and what was not.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Snapshot {
    /// Where it comes from.
    pub source: Source,
    /// The processes that could be looked at.
    pub processes: BTreeMap<u32, Process>,
    /// The instances asked for.
    pub instances: Vec<Instance>,
    /// The processes that could not.
    pub unseen: Vec<Unseen>,
    /// What it took.
    pub effort: Effort,
}

impl Snapshot {
    /// True if `pid` descends from `ancestor`.
    pub fn is_descendant(&self, pid: u32, ancestor: u32) -> bool {
        let mut at = pid;
        // No family is deeper; a torn snapshot could have a circle.
        for _ in 0..self.processes.len() {
            let Some(process) = self.processes.get(&at) else {
                return false;
            };
            if process.ppid == ancestor {
                return true;
            }
            at = process.ppid;
        }
        false
    }
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub ppid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The program it runs, as far as it may be known.
    pub exe: Option<String>,
    /// The process it is a thread of, if it is one with a table of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_of: Option<u32>,
    /// When it started, in clock ticks since boot: with the pid, who it is.
    pub start_time: u64,
    /// Where its stack begins: the same after fork, another after exec; 0 if not known.
    #[serde(skip)]
    pub stack: u64,
    /// Its open numbers, ascending; none where the kernel walked, which has no need of them.
    #[serde(skip)]
    pub open: Vec<OpenFd>,
}

impl Process {
    /// True if it runs another program than `other`, its elder.
    ///
    /// Fork keeps the place of the stack, exec chooses another.
    pub(crate) fn is_another_program(&self, other: &Process) -> bool {
        let is_moved = self.stack != 0 && other.stack != 0 && self.stack != other.stack;
        let is_renamed = matches!((&self.exe, &other.exe), (Some(a), Some(b)) if a != b);
        is_moved || is_renamed
    }

    /// What a number names here.
    pub fn open_fd(&self, fd: i32) -> Option<&OpenFd> {
        // Numbers are given without gaps, mostly.
        let guess = usize::try_from(fd).ok().and_then(|at| self.open.get(at));
        guess.filter(|open| open.fd == fd).or_else(|| {
            let at = self.open.binary_search_by_key(&fd, |open| open.fd);
            Some(&self.open[at.ok()?])
        })
    }
}

/// A number and what it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenFd {
    /// The number.
    pub fd: i32,
    /// The link's target: `socket:[1234]`, a path, or anything; empty if it was not asked for.
    pub target: String,
    /// What kind of file that is.
    pub kind: Kind,
    /// Its inode, as far as that is known.
    pub key: Option<FileKey>,
    /// Whether it is for reading, writing or both (`O_ACCMODE`); known from a capture only.
    #[serde(skip)]
    pub access: Option<u32>,
}

impl OpenFd {
    /// True unless what is waited for is what it is not open for.
    pub(crate) fn can_wait_for(&self, events: u32) -> bool {
        let is_for = |bit: libc::c_int| events & bit.cast_unsigned() != 0;
        match self.access.map(u32::cast_signed) {
            Some(libc::O_RDONLY) => is_for(libc::EPOLLIN) || !is_for(libc::EPOLLOUT),
            Some(libc::O_WRONLY) => is_for(libc::EPOLLOUT) || !is_for(libc::EPOLLIN),
            _ => true,
        }
    }
}

/// Kinds of file, as far as a link tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A socket: the only kind whose inode is one file's alone.
    Socket,
    /// A pipe: its two ends share an inode.
    Pipe,
    /// An epoll instance.
    Epoll,
    /// An eventfd.
    Eventfd,
    /// A timerfd.
    Timerfd,
    /// A signalfd.
    Signalfd,
    /// Another file without a place: inotify, io_uring …
    Anonymous,
    /// A file with a path: a FIFO, a terminal, a device.
    Path,
}

impl Kind {
    /// The kind a link's target stands for.
    pub fn of_target(target: impl AsRef<[u8]>) -> Kind {
        match target.as_ref() {
            b"anon_inode:[eventpoll]" => Kind::Epoll,
            b"anon_inode:[eventfd]" => Kind::Eventfd,
            b"anon_inode:[timerfd]" => Kind::Timerfd,
            b"anon_inode:[signalfd]" => Kind::Signalfd,
            target if target.starts_with(b"socket:[") => Kind::Socket,
            target if target.starts_with(b"pipe:[") => Kind::Pipe,
            target if target.starts_with(b"anon_inode:") => Kind::Anonymous,
            _ => Kind::Path,
        }
    }

    /// True if strangers have the same inode: it says nothing.
    pub fn shares_its_inode(self) -> bool {
        matches!(
            self,
            Kind::Epoll | Kind::Eventfd | Kind::Timerfd | Kind::Signalfd | Kind::Anonymous
        )
    }
}

/// An inode: different ones are different files; one may be several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FileKey {
    /// Its device in the kernel's own numbering; not known from a capture.
    pub dev: Option<u32>,
    /// Its number.
    pub ino: u64,
}

impl FileKey {
    /// True if nothing known tells them apart.
    pub fn can_be(self, other: FileKey) -> bool {
        let is_dev_same = match (self.dev, other.dev) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.ino == other.ino && is_dev_same
    }
}

/// An epoll instance, one thing however many numbers name it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instance {
    /// Its names, by process and number.
    pub names: Vec<Name>,
    /// Its interest list, in the order of the tree.
    pub registrations: Vec<Registration>,
    /// Rows that could not be read.
    pub left_out: u64,
    /// False if the names were put together by likeness alone.
    pub is_certain: bool,
}

impl Instance {
    /// The processes that hold it, each once, ascending.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> = self.names.iter().map(|name| name.pid).collect();
        pids.dedup();
        pids
    }
}

/// A process's number for an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Name {
    /// The process.
    pub pid: u32,
    /// The number.
    pub fd: i32,
    /// Whether it is closed on exec.
    pub is_cloexec: bool,
}

/// An entry of an interest list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registration {
    /// The number it was made under.
    pub fd: i32,
    /// Which, of the registrations of that number.
    pub nth: u32,
    /// What is waited for, with the bits Linux adds.
    pub events: u32,
    /// What the program gave with it.
    pub data: u64,
    /// The file's inode; not known before Linux 4.15.
    pub key: Option<FileKey>,
    /// What kind of file it is, if some process in sight has it open.
    pub kind: Option<Kind>,
    /// What the number means, in the table of each process that holds the instance.
    ///
    /// Hardly ever more than one, of each of a hundred thousand registrations.
    pub tables: SmallVec<[InTable; 1]>,
    /// Who has the file open. Looked for only if some table does not.
    pub held_by: Vec<Held>,
    /// References to the file that are no number: a message on its way, an io_uring, a
    /// mapping, a call under way. Known from the kernel walk only.
    pub nameless: Option<u64>,
    /// What was seen of those who can name it, and of those who cannot; gathered on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
}

impl Registration {
    /// True if this is so in some table.
    pub fn is_somewhere(&self, meaning: Meaning) -> bool {
        self.tables.iter().any(|table| table.meaning == meaning)
    }

    /// True if the number names its file in no table that holds the instance.
    pub fn is_ghost(&self) -> bool {
        let is_elsewhere =
            |table: &InTable| matches!(table.meaning, Meaning::Closed | Meaning::Other);
        !self.tables.is_empty() && self.tables.iter().all(is_elsewhere)
    }

    /// True if the number names its file in every table.
    pub fn is_plain(&self) -> bool {
        self.tables
            .iter()
            .all(|table| table.meaning == Meaning::Same)
    }
}

/// What a number means in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InTable {
    /// Whose table.
    pub pid: u32,
    /// What it means.
    pub meaning: Meaning,
}

/// What the number of a registration means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The registration's file.
    Same,
    /// Another file.
    Other,
    /// Nothing.
    Closed,
    /// It is open, and whether as the same file could not be told.
    Unknown,
}

/// Somebody who has a registration's file open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Held {
    /// The process.
    pub pid: u32,
    /// The number.
    pub fd: i32,
    /// False if only the inode says so.
    pub is_certain: bool,
}

/// A process that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// Which.
    pub pid: u32,
    /// Why.
    pub why: Why,
}

/// Why a process could not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It ended while it was looked at.
    Vanished,
    /// It is not for us to look at: another user's, or more than that.
    Refused,
}

/// What a snapshot took, and what was given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Effort {
    /// Comparisons by `kcmp(2)`.
    pub kcmp_calls: u64,
    /// How long they took, in microseconds; of several threads together.
    pub kcmp_us: u64,
    /// Comparisons the kernel refused.
    pub kcmp_refused: u64,
    /// Comparisons not made: they would have taken too long.
    pub kcmp_left_out: u64,
    /// Walks over the whole machine.
    pub walks: u64,
    /// Looks at what did not fit.
    pub looks: u64,
    /// Files whose registrations the two ways of the last walk told differently.
    pub disputed: u64,
    /// Registrations that changed from look to look, and were let go.
    pub unsettled: u64,
    /// Open numbers beyond the limit.
    pub numbers_left_out: u64,
    /// Registrations beyond the limit.
    pub registrations_left_out: u64,
    /// Instances that were not read.
    pub instances_left_out: u64,
}
