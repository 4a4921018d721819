//! Who has the other end of a file, and who else has the file itself.

use std::collections::BTreeMap;

use polter_scan::{FileCopy, Kind, OpenFd, Proc};

use super::net::socket_of;
use super::unix;
use crate::facts::{FileFacts, Holder, Other};

/// Files of one process whose other end is searched for.
const MAX_FILES: usize = 64;

/// Holders of one file that are named.
const MAX_HOLDERS: usize = 8;

/// Who has which pipe or socket open, on the whole machine.
pub(super) struct Machine {
    holders: BTreeMap<u64, Vec<(Holder, bool)>>,
}

impl Machine {
    /// Lists every process's pipes and sockets that one of these files could be, or could lead to.
    pub(super) fn list(proc: &Proc) -> Machine {
        let mut holders: BTreeMap<u64, Vec<(Holder, bool)>> = BTreeMap::new();
        let own = std::process::id();
        for pid in proc.pids().unwrap_or_default() {
            if pid == own {
                continue;
            }
            let Ok(process) = proc.process(pid) else {
                continue;
            };
            for open in &process.open {
                if let (Kind::Pipe | Kind::Socket, Some(key)) = (open.kind, open.key) {
                    let holder = Holder {
                        pid,
                        comm: process.comm.clone(),
                        fd: open.fd,
                    };
                    let entry = holders.entry(key.ino).or_default();
                    entry.push((holder, can_write(proc, pid, open)));
                }
            }
        }
        Machine { holders }
    }

    /// Fills in who has a process's files, and their other ends.
    pub(super) fn describe(&self, proc: &Proc, pid: u32, files: &mut [FileFacts]) {
        let is_of_interest =
            |it: &&mut FileFacts| matches!(it.kind, Kind::Pipe | Kind::Socket) && it.is_untouched();
        for file in files.iter_mut().filter(is_of_interest).take(MAX_FILES) {
            let Ok(Some(open)) = proc.open_fd(pid, file.fd) else {
                continue;
            };
            let Some(inode) = open.key.map(|key| key.ino) else {
                continue;
            };
            match file.kind {
                Kind::Pipe => {
                    let writes = can_write(proc, pid, &open);
                    let is_mine = |it: &Holder| (it.pid, it.fd) == (pid, file.fd);
                    file.shared_with = self.having(inode, |it, its| its == writes && !is_mine(it));
                    file.other_end = self.having(inode, |_, its| its != writes);
                    let is_gone = file.other_end.is_empty() && file.is_down();
                    file.other = is_gone.then_some(Other::Gone);
                }
                _ => self.describe_socket(proc, pid, inode, file),
            }
        }
    }

    fn describe_socket(&self, proc: &Proc, pid: u32, inode: u64, file: &mut FileFacts) {
        let is_mine = |it: &Holder| (it.pid, it.fd) == (pid, file.fd);
        file.shared_with = self.having(inode, |it, _| !is_mine(it));
        let Ok(copy) = FileCopy::of(pid, file.fd) else {
            return;
        };
        if file.is_listener {
            let address = copy
                .addresses()
                .map(|(local, _)| Other::Address(local.to_string()));
            file.other = address;
            return;
        }
        match copy.addresses() {
            Some((local, Some(peer))) => {
                let other = socket_of(proc, pid, peer, local);
                file.other_end =
                    other.map_or_else(Vec::new, |inode| self.having(inode, |_, _| true));
                if file.other_end.is_empty() {
                    file.other = Some(Other::Address(peer.to_string()));
                }
            }
            _ => {
                let peer = unix::peer_of(inode);
                file.other_end =
                    peer.map_or_else(Vec::new, |inode| self.having(inode, |_, _| true));
                if file.other_end.is_empty() && file.is_down() {
                    file.other = Some(Other::Gone);
                }
            }
        }
    }

    fn having(&self, inode: u64, is_meant_fn: impl Fn(&Holder, bool) -> bool) -> Vec<Holder> {
        let all = self.holders.get(&inode).into_iter().flatten();
        let meant = all.filter(|(holder, writes)| is_meant_fn(holder, *writes));
        meant
            .take(MAX_HOLDERS)
            .map(|(holder, _)| holder.clone())
            .collect()
    }
}

/// True if a pipe's fd is its writing end: the link's own mode says so. Linux: `tid_fd_update_inode`.
fn can_write(proc: &Proc, pid: u32, open: &OpenFd) -> bool {
    const OWNER_WRITES: u32 = 0o200;
    if open.kind != Kind::Pipe {
        return false;
    }
    let link = proc.root().join(format!("{pid}/fd/{}", open.fd));
    let metadata = std::fs::symlink_metadata(link);
    metadata.is_ok_and(|it| std::os::unix::fs::MetadataExt::mode(&it) & OWNER_WRITES != 0)
}
