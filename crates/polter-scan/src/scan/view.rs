//! The processes as they were listed, and what a registration's fd means in their tables.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::compare::{Comparer, Target};
use crate::proc::Proc;
use crate::snapshot::{FileKey, Kind, Meaning, Name, OpenFd, Process, Registration};

/// Above so many registrations, equal inodes are believed for pipes and paths. Asking the kernel
/// about one costs more the more registrations the instance has.
pub(super) const ASKED_ABOUT_INODES: usize = 1000;

/// The processes that were listed a moment ago, and the kernel at hand to be asked.
pub(super) struct View<'a> {
    pub(super) proc: &'a Proc,
    pub(super) comparer: &'a Comparer,
    pub(super) processes: &'a BTreeMap<u32, Process>,
    /// How many fds name an inode that may belong to several files.
    names_of_inode: OnceLock<FxHashMap<u64, u32>>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        proc: &'a Proc,
        comparer: &'a Comparer,
        processes: &'a BTreeMap<u32, Process>,
    ) -> View<'a> {
        View {
            proc,
            comparer,
            processes,
            names_of_inode: OnceLock::new(),
        }
    }

    /// What an fd named when the processes were listed.
    pub(super) fn listed(&self, pid: u32, fd: i32) -> Option<&OpenFd> {
        self.processes.get(&pid)?.open_fd(fd)
    }

    /// The processes that hold an instance, one of each descriptor table.
    pub(super) fn tables(&self, names: &[Name]) -> Vec<u32> {
        let mut tables: Vec<u32> = Vec::new();
        for name in names {
            let is_known = |pid: &u32| {
                *pid == name.pid
                    || self.listed(*pid, name.fd).is_some()
                        && self.comparer.is_one_table(*pid, name.pid)
            };
            if !tables.iter().any(is_known) {
                tables.push(name.pid);
            }
        }
        tables
    }

    /// What a registration's fd means in a table, where it names `open`.
    ///
    /// The kernel is asked only where the inode does not decide.
    pub(super) fn meaning(
        &self,
        key: Option<FileKey>,
        target: &Target,
        among: usize,
        pid: u32,
        open: Option<&OpenFd>,
    ) -> Meaning {
        let Some(open) = open else {
            return Meaning::Closed;
        };
        let keys = key.zip(open.key);
        if keys.is_some_and(|(a, b)| !a.can_be(b)) {
            return Meaning::Other;
        }
        let is_believed = keys.is_some() && !open.kind.shares_its_inode();
        let is_asked = || {
            let is_cheap = among <= ASKED_ABOUT_INODES;
            open.kind != Kind::Socket && is_cheap && !self.is_alone(pid, open)
        };
        if is_believed && !is_asked() {
            return Meaning::Same;
        }
        match self.comparer.registration((pid, target.fd), target) {
            Ok(Ordering::Equal) => Meaning::Same,
            Ok(_) => Meaning::Other,
            Err(_) if is_believed => Meaning::Same,
            // kcmp fails for a closed fd as it does for a refusal; the fd may have been closed
            // since it was read.
            Err(_) if self.comparer.is_closed((pid, target.fd)) => Meaning::Closed,
            Err(_) => Meaning::Unknown,
        }
    }

    /// True if asking who keeps a registration's file also shows whether the registration is there:
    /// the kernel may be asked, and is, because the file is no socket.
    pub(super) fn is_asked_about(&self, registration: &Registration) -> bool {
        let is_no_socket = |key: FileKey| {
            let devs = key.dev.zip(self.proc.socket_dev());
            devs.is_some_and(|(dev, of_sockets)| dev != of_sockets)
        };
        self.comparer.may_ask() && registration.key.is_some_and(is_no_socket)
    }

    /// True if no other fd in sight names the inode of `open`.
    ///
    /// Then `open` is the registration's file. Another file of that inode, such as the pipe's other
    /// end, would be open too, under an fd of whoever keeps it.
    fn is_alone(&self, pid: u32, open: &OpenFd) -> bool {
        let names = self.names_of_inode.get_or_init(|| {
            let mut names: FxHashMap<u64, u32> = FxHashMap::default();
            let all = self.processes.values().flat_map(|process| &process.open);
            for open in all.filter(|open| matches!(open.kind, Kind::Pipe | Kind::Path)) {
                if let Some(key) = open.key {
                    *names.entry(key.ino).or_default() += 1;
                }
            }
            names
        });
        // The count is of the listing: it says nothing of an fd that names another file since.
        let is_as_listed = self
            .listed(pid, open.fd)
            .is_some_and(|it| it.key == open.key);
        is_as_listed && open.key.is_some_and(|key| names.get(&key.ino) == Some(&1))
    }
}
