//! The log of a run: kept in a file that was named, or in one that has no name.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::failure::Failure;
use crate::log::Log;

/// The file that strace writes to.
#[derive(Debug)]
pub(super) enum Recording {
    /// A file the user named.
    Kept(PathBuf),
    /// A file without a name, which ends with polter, however polter ends. strace opens it by the
    /// path of polter's own fd, so that the command inherits no fd.
    Passing(File, PathBuf),
}

impl Recording {
    /// Creates the file now, so that an unwritable path is an error before the command runs.
    pub(super) fn new(kept: Option<&Path>) -> Result<Recording, Failure> {
        let Some(path) = kept else {
            let file = tempfile::tempfile().map_err(Failure::write_file(&std::env::temp_dir()))?;
            let (pid, fd) = (std::process::id(), file.as_raw_fd());
            let path = PathBuf::from(format!("/proc/{pid}/fd/{fd}"));
            return Ok(Recording::Passing(file, path));
        };
        File::create(path).map_err(Failure::write_file(path))?;
        Ok(Recording::Kept(path.to_owned()))
    }

    /// The path that strace opens.
    pub(super) fn path(&self) -> &Path {
        match self {
            Recording::Kept(path) | Recording::Passing(_, path) => path,
        }
    }

    /// Opens the recorded log.
    pub(super) fn open(self, command: &[OsString], console: &Console) -> Result<Log, Failure> {
        let path = self.path().to_owned();
        // strace has a file description of its own, so this one is still at the beginning.
        let file = match self {
            Recording::Kept(_) => File::open(&path).map_err(Failure::read(&path))?,
            Recording::Passing(ref file, _) => file.try_clone().map_err(Failure::read(&path))?,
        };
        let len = file.metadata().map_err(Failure::read(&path))?.len();
        if len == 0 {
            // strace has reported the reason on standard error.
            return Err(Failure::NothingRecorded);
        }
        let name = match self {
            Recording::Kept(path) => path,
            Recording::Passing(..) => PathBuf::from(command.join(" ".as_ref())),
        };
        Log::new(name, file, Some(len), console)
    }
}
