//! Opening and reading the files of a process, and why that can fail.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::snapshot::Why;

/// Bytes read of a file that is not an instance's.
pub(super) const SMALL: u64 = 64 << 10;

/// The flags that every file is opened with.
///
/// `NOFOLLOW`, because a captured tree may hold links to anywhere; `NONBLOCK`, because it may hold
/// a FIFO that nobody writes to.
pub(super) fn plain() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK
}

/// The same for a directory.
pub(super) fn directory() -> OFlags {
    plain() | OFlags::DIRECTORY
}

/// Reads a file to its end, but no more than `limit` bytes: a captured one may be of any size.
pub(super) fn read(file: OwnedFd, limit: u64) -> Result<Vec<u8>, Why> {
    let mut text = Vec::new();
    File::from(file)
        .take(limit)
        .read_to_end(&mut text)
        .map_err(|error| why_of(&error))?;
    Ok(text)
}

/// What an error says of the process. Reading a process that has ended fails in several ways
/// (ENOENT, ESRCH …), so every error but a refusal counts as its end.
pub(super) fn why(errno: Errno) -> Why {
    match errno {
        Errno::ACCESS | Errno::PERM => Why::Refused,
        _ => Why::Vanished,
    }
}

/// The same for an error of the standard library.
pub(super) fn why_of(error: &io::Error) -> Why {
    Errno::from_io_error(error).map_or(Why::Vanished, why)
}
