//! The log of a run: kept in a file that was named, or gone when it is read.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::console::Console;
use crate::failure::Failure;
use crate::log::Log;

/// Where strace writes.
#[derive(Debug)]
pub(super) enum Recording {
    /// A file the user named.
    Kept(PathBuf),
    /// A file nobody will miss.
    Passing(NamedTempFile),
}

impl Recording {
    /// Makes the file, so that it is known to be writable.
    pub(super) fn new(kept: Option<&Path>) -> Result<Recording, Failure> {
        let Some(path) = kept else {
            let file = NamedTempFile::with_prefix("polter-")
                .map_err(Failure::write_file(&std::env::temp_dir()))?;
            return Ok(Recording::Passing(file));
        };
        File::create(path).map_err(Failure::write_file(path))?;
        Ok(Recording::Kept(path.to_owned()))
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        match self {
            Recording::Kept(path) => path,
            Recording::Passing(file) => file.path(),
        }
    }

    /// Opens what was recorded; a passing file loses its name, so that it is gone
    /// however the reading ends.
    pub(super) fn open(self, command: &[OsString], console: &Console) -> Result<Log, Failure> {
        let path = self.path().to_owned();
        let file = File::open(&path).map_err(Failure::read(&path))?;
        let len = file.metadata().map_err(Failure::read(&path))?.len();
        if len == 0 {
            // strace has said why.
            return Err(Failure::NothingRecorded);
        }
        let name = match self {
            Recording::Kept(path) => path,
            Recording::Passing(_) => PathBuf::from(command.join(" ".as_ref())),
        };
        Log::new(name, file, Some(len), console)
    }
}
