//! An epoll instance, its registrations, and what a registration's fd means in each table.

use serde::Serialize;
use smallvec::SmallVec;

use super::evidence::Evidence;
use super::process::{FileKey, Kind};

/// An epoll instance. It is one thing, however many fds name it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instance {
    /// Its names, by process and fd.
    pub names: Vec<Name>,
    /// Its interest list, in the order of the kernel's tree.
    pub registrations: Vec<Registration>,
    /// Rows of its fdinfo that could not be read.
    pub left_out: u64,
    /// False if `kcmp` could not be asked, and the names were grouped because they look alike.
    pub is_certain: bool,
}

impl Instance {
    /// The processes that hold it, each once, ascending.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> = self.names.iter().map(|name| name.pid).collect();
        pids.dedup();
        pids
    }

    /// The fds that a process has for it.
    pub fn fds_of(&self, pid: u32) -> Vec<i32> {
        let of_pid = self.names.iter().filter(|name| name.pid == pid);
        of_pid.map(|name| name.fd).collect()
    }
}

/// A process's fd for an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Name {
    /// The process.
    pub pid: u32,
    /// The fd.
    pub fd: i32,
    /// Whether it is closed on exec.
    pub is_cloexec: bool,
}

/// One registration of an instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registration {
    /// The fd it was made under.
    pub fd: i32,
    /// Which one it is of the registrations of that fd, from 0.
    #[serde(rename = "nth")]
    pub occurrence: u32,
    /// The events it waits for, with the bits Linux adds.
    pub events: u32,
    /// The data that the program gave with it.
    pub data: u64,
    /// The file's inode; not known before Linux 4.15.
    pub key: Option<FileKey>,
    /// What kind of file it is, if some process in sight has it open.
    pub kind: Option<Kind>,
    /// What the fd means, in the table of each process that holds the instance.
    ///
    /// A hundred thousand registrations have hardly ever more than one table each, so the first
    /// takes no allocation.
    pub tables: SmallVec<[InTable; 1]>,
    /// Who has the file open. Searched for only if the fd means something else in some table.
    pub held_by: Vec<Held>,
    /// References to the file that are no fd: a message on its way, an io_uring, a mapping, a
    /// call under way. Known from the kernel walk only.
    pub nameless: Option<u64>,
    /// Observations about the holders; gathered on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
}

impl Registration {
    /// True if its fd has this meaning in some table.
    pub fn is_somewhere(&self, meaning: Meaning) -> bool {
        self.tables.iter().any(|table| table.meaning == meaning)
    }

    /// True if the fd names its file in no table that holds the instance.
    pub fn is_ghost(&self) -> bool {
        let is_elsewhere =
            |table: &InTable| matches!(table.meaning, Meaning::Closed | Meaning::Other);
        !self.tables.is_empty() && self.tables.iter().all(is_elsewhere)
    }

    /// True if the fd names its file in every table.
    pub fn is_plain(&self) -> bool {
        self.tables
            .iter()
            .all(|table| table.meaning == Meaning::Same)
    }

    /// True if every wait reports it as long as its file is ready: it is neither edge-triggered
    /// nor a one-shot that has fired.
    pub fn is_reported_always(&self) -> bool {
        let private =
            (libc::EPOLLONESHOT | libc::EPOLLET | libc::EPOLLWAKEUP | libc::EPOLLEXCLUSIVE)
                .cast_unsigned();
        self.events & libc::EPOLLET.cast_unsigned() == 0 && self.events & !private != 0
    }
}

/// What an fd means in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InTable {
    /// A process that has the table.
    pub pid: u32,
    /// What the fd means there.
    pub meaning: Meaning,
}

/// What the fd of a registration means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// It names the registration's file.
    Same,
    /// It names another file.
    Other,
    /// It names nothing: it was closed, and no later file has been given this fd.
    Closed,
    /// It is open, and nothing tells whether it names the same file.
    Unknown,
}

/// An fd that names a registration's file, in whatever process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Held {
    /// The process.
    pub pid: u32,
    /// The fd.
    pub fd: i32,
    /// False if only the inode says so.
    pub is_certain: bool,
}
