//! Logs as sources: a pipe, a file that grows, a file that is whole.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use polter_judge::LiveJudge;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::source::{Next, Source};
use crate::console::Console;
use crate::failure::Failure;
use crate::log::Log;

/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

/// How often a file is looked at for more.
const LOOK: Duration = Duration::from_millis(100);

/// Standard input, or another pipe.
pub(super) struct Piped {
    path: PathBuf,
    /// Standard input if it is none.
    file: Option<File>,
    buffer: Vec<u8>,
    is_here: bool,
}

impl Piped {
    pub(super) fn stdin(is_here: bool) -> Piped {
        Piped {
            path: PathBuf::from("standard input"),
            file: None,
            buffer: vec![0; PIECE],
            is_here,
        }
    }

    pub(super) fn open(path: &Path, is_here: bool) -> Result<Piped, Failure> {
        let file = File::open(path).map_err(Failure::read(path))?;
        Ok(Piped {
            path: path.to_owned(),
            file: Some(file),
            buffer: vec![0; PIECE],
            is_here,
        })
    }
}

impl Source for Piped {
    fn next(&mut self, timeout: Duration) -> Result<Next<'_>, Failure> {
        let stdin = io::stdin();
        let fd = match &self.file {
            Some(file) => file.as_fd(),
            None => stdin.as_fd(),
        };
        if !is_readable(fd, timeout).map_err(Failure::read(&self.path))? {
            return Ok(Next::Nothing);
        }
        match rustix::io::read(fd, &mut self.buffer[..]) {
            Ok(0) => Ok(Next::End),
            Ok(count) => Ok(Next::Bytes(&self.buffer[..count])),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Next::Nothing),
            Err(errno) => Err(Failure::read(&self.path)(errno.into())),
        }
    }

    fn is_here(&self) -> bool {
        self.is_here
    }
}

/// Waits until there is something to read, or the end; false if the time is over or a signal came.
fn is_readable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    let timeout = Timespec {
        tv_sec: timeout.as_secs() as i64,
        tv_nsec: timeout.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// A file that a recorder still writes.
pub(super) struct Growing {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    is_here: bool,
    /// The file became shorter: what was cut off may not have been read.
    was_cut: bool,
}

impl Growing {
    pub(super) fn open(path: &Path, is_here: bool) -> Result<Growing, Failure> {
        let file = File::open(path).map_err(Failure::read(path))?;
        if file.metadata().map_err(Failure::read(path))?.is_dir() {
            let path = path.to_owned();
            return Err(Failure::Directory { path });
        }
        Ok(Growing {
            path: path.to_owned(),
            file,
            buffer: vec![0; PIECE],
            is_here,
            was_cut: false,
        })
    }

    /// Begins anew if the file has become shorter than what was read of it.
    fn look_for_cut(&mut self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        if metadata.is_file() && metadata.len() < self.file.stream_position()? {
            self.file.rewind()?;
            self.was_cut = true;
        }
        Ok(())
    }
}

impl Source for Growing {
    fn next(&mut self, timeout: Duration) -> Result<Next<'_>, Failure> {
        let until = Instant::now() + timeout;
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(0) => {}
                Ok(count) => return Ok(Next::Bytes(&self.buffer[..count])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    return Ok(Next::Nothing);
                }
                Err(error) => return Err(Failure::read(&self.path)(error)),
            }
            self.look_for_cut().map_err(Failure::read(&self.path))?;
            if Instant::now() >= until {
                return Ok(Next::Nothing);
            }
            thread::sleep(LOOK);
        }
    }

    fn is_here(&self) -> bool {
        self.is_here
    }

    fn damage(&self) -> Option<String> {
        self.was_cut
            .then(|| "the file was cut while it was read".to_owned())
    }
}

/// A file that is whole; it may be compressed or quoted.
pub(super) struct Whole {
    log: Log,
    buffer: Vec<u8>,
    is_here: bool,
}

impl Whole {
    pub(super) fn open(path: &Path, is_here: bool, console: &Console) -> Result<Whole, Failure> {
        Ok(Whole {
            log: Log::open(path, console)?,
            buffer: vec![0; PIECE],
            is_here,
        })
    }
}

impl Source for Whole {
    fn next(&mut self, _timeout: Duration) -> Result<Next<'_>, Failure> {
        let name = self.log.name.clone();
        let read = self.log.parts().0.read(&mut self.buffer);
        match read.map_err(Failure::read(&name))? {
            0 => Ok(Next::End),
            count => Ok(Next::Bytes(&self.buffer[..count])),
        }
    }

    fn is_here(&self) -> bool {
        self.is_here
    }

    fn end(&mut self, judge: &LiveJudge) -> Result<(), Failure> {
        if judge.summary().read_lines() > 0 {
            return Ok(());
        }
        let (path, refusal) = (self.log.name.clone(), self.log.looks());
        Err(Failure::NoLogAtAll { path, refusal })
    }

    fn damage(&self) -> Option<String> {
        self.log.damage().get()
    }
}
