//! A log that is read twice: a file is opened again; what is piped in is kept in a file without a name.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use crate::console::Console;
use crate::failure::Failure;
use crate::families::{self, Named};
use crate::log::{self, Log};

/// Where a log comes from.
pub(super) enum Source {
    /// Files that can be opened again.
    Files(Vec<PathBuf>),
    /// What was piped in, under its name.
    Kept(File, PathBuf),
}

impl Source {
    /// The log that was named; standard input if none was and it is no terminal.
    pub(super) fn of(logs: &[PathBuf]) -> Result<Source, Failure> {
        match logs {
            [] if log::is_stdin_a_log() => Source::keep(io::stdin(), log::STDIN.into()),
            [] => Err(Failure::NoLog),
            [one] if one.as_os_str() == "-" => Source::keep(io::stdin(), log::STDIN.into()),
            [one] if is_stream(one) => {
                let stream = File::open(one).map_err(Failure::read(one))?;
                Source::keep(stream, one.clone())
            }
            files => Ok(Source::Files(files.to_vec())),
        }
    }

    fn keep(mut stream: impl io::Read, name: PathBuf) -> Result<Source, Failure> {
        let mut file = tempfile::tempfile().map_err(Failure::write_file(&std::env::temp_dir()))?;
        io::copy(&mut stream, &mut file).map_err(Failure::read(&name))?;
        Ok(Source::Kept(file, name))
    }

    /// Opens it, from its beginning.
    pub(super) fn open(&mut self, console: &Console) -> Result<Log, Failure> {
        match self {
            Source::Kept(file, name) => {
                file.rewind().map_err(Failure::read(name))?;
                let again = file.try_clone().map_err(Failure::read(name))?;
                let len = file.metadata().map_err(Failure::read(name))?.len();
                Log::new(name.clone(), again, Some(len), console)
            }
            Source::Files(paths) => match &families::group(paths)[..] {
                [Named::One(path)] => Log::open(path, console),
                [Named::Several(stem, files)] => {
                    families::open(stem, files, console)?.ok_or(Failure::SeveralLogs)
                }
                _ => Err(Failure::SeveralLogs),
            },
        }
    }
}

fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}
