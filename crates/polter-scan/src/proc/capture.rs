//! Writes a `/proc` down, for a scan on another machine.
//!
//! A captured tree has the files that a scan reads, under their own names: `stat`, `comm`, `exe`,
//! `fd/N` as links to the same targets, `fdinfo/N`. There is no kernel to ask where it is read, so
//! files without an inode of their own (eventfds, timerfds, signalfds) cannot be told apart.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::tree::Proc;
use crate::error::ScanError;
use crate::snapshot::{Process, Unseen};

/// How much was written, and which processes were not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// How many processes were written.
    pub processes: u64,
    /// How many open fds they had.
    pub fds: u64,
    /// The processes that could not be read.
    pub unseen: Vec<Unseen>,
}

/// Writes every process that may be read into a directory, which must not exist yet.
pub fn capture(proc: &Proc, dir: &Path) -> Result<Captured, ScanError> {
    let pids = proc.pids().map_err(|source| ScanError::Root {
        path: proc.root().to_owned(),
        source,
    })?;
    let mut captured = Captured::default();
    fs::create_dir(dir).map_err(cannot_write(dir))?;
    for pid in pids {
        if proc.is_live() && pid == std::process::id() {
            continue;
        }
        match proc.process(pid) {
            Ok(process) => {
                captured.processes += 1;
                captured.fds += process.open.len() as u64;
                let dir = dir.join(pid.to_string());
                write(proc, &process, &dir).map_err(cannot_write(&dir))?;
            }
            Err(why) => captured.unseen.push(Unseen { pid, why }),
        }
    }
    Ok(captured)
}

fn write(proc: &Proc, process: &Process, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir.join("fd"))?;
    fs::create_dir_all(dir.join("fdinfo"))?;
    // A file that has vanished meanwhile is left out, as a scan of the live tree would miss it too.
    for name in ["stat", "comm", "status"] {
        if let Ok(text) = proc.bytes(process.pid, name) {
            fs::write(dir.join(name), text)?;
        }
    }
    if let Some(exe) = &process.exe {
        symlink(exe, dir.join("exe"))?;
    }
    for thread in proc.threads(process.pid).unwrap_or_default() {
        fs::create_dir_all(dir.join(format!("task/{thread}")))?;
    }
    for open in &process.open {
        let name = format!("fdinfo/{}", open.fd);
        if let Ok(text) = proc.bytes(process.pid, &name) {
            symlink(&open.target, dir.join(format!("fd/{}", open.fd)))?;
            fs::write(dir.join(name), text)?;
        }
    }
    Ok(())
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> ScanError {
    let path = path.to_owned();
    move |source| ScanError::Write { path, source }
}
