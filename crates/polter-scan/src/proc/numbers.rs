//! A process's numbers, and what they name.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, Mode, RawDir, SeekFrom, StatxFlags};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::{Proc, SMALL, directory, plain, read, why};
use crate::fdinfo::FdInfo;
use crate::parallel;
use crate::snapshot::{FileKey, Kind, OpenFd, Why};

/// Bytes of a directory asked for at once.
const ENTRIES: usize = 32 << 10;

/// Numbers that are read by one thread.
const NUMBERS: i32 = 4096;

/// Closed numbers that are asked for before those that are open are listed.
const GAPS: usize = 8;

/// Places in a directory before that of number 0. Linux: `proc_readfd_common`.
const DOTS: u64 = 2;

/// Bytes of a link's target, which the kernel writes into a page.
const TARGET: usize = 4096;

/// A process's numbers.
#[derive(Debug)]
pub(crate) struct Numbers<'a> {
    proc: &'a Proc,
    dir: OwnedFd,
    links: OwnedFd,
}

impl Numbers<'_> {
    pub(super) fn of(proc: &Proc, dir: OwnedFd) -> Result<Numbers<'_>, Why> {
        let links = rustix::fs::openat(&dir, "fd", directory(), Mode::empty()).map_err(why)?;
        Ok(Numbers { proc, dir, links })
    }

    /// The process's directory.
    pub(super) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// All that are open, ascending, and what they name.
    ///
    /// To have a directory listed costs half as much as to ask what a number names, and they
    /// are given without gaps, mostly: as many as are open are asked for by one, and those that
    /// come behind, or between gaps, are listed.
    pub(super) fn read_all(&self, with_targets: bool) -> Result<Vec<OpenFd>, Why> {
        let count = self.count();
        let starts = (0..count).step_by(NUMBERS as usize);
        let parts = starts
            .map(|start| start..count.min(start + NUMBERS))
            .collect();
        let parts = parallel::map(parts, |part| self.try_out(part, with_targets));
        let mut open = Vec::with_capacity(count as usize);
        let mut listed = Vec::new();
        for part in parts {
            let (tried_out, left) = part?;
            open.extend(tried_out);
            listed.extend(self.listed(left)?);
        }
        listed.extend(self.listed(count..i32::MAX)?);
        let parts = listed.chunks(NUMBERS as usize).collect();
        let parts = parallel::map(parts, |part: &[i32]| {
            // What was closed since it was listed was on its way.
            let read = part.iter().map(|fd| self.read(*fd, with_targets));
            read.filter_map(Result::transpose)
                .collect::<Result<Vec<OpenFd>, Why>>()
        });
        for part in parts {
            open.extend(part?);
        }
        if !open.is_sorted_by_key(|open: &OpenFd| open.fd) {
            open.sort_unstable_by_key(|open| open.fd);
        }
        Ok(open)
    }

    /// How many are open; 0 if that is not said. Linux: `proc_fd_getattr`, since 6.2.
    fn count(&self) -> i32 {
        let stat = rustix::fs::fstat(&self.links).ok();
        let size = stat.filter(|_| self.proc.is_live).map(|stat| stat.st_size);
        size.and_then(|size| i32::try_from(size).ok()).unwrap_or(0)
    }

    /// Asks for one after the other, and says from where on there are too many gaps for that.
    fn try_out(
        &self,
        numbers: Range<i32>,
        with_targets: bool,
    ) -> Result<(Vec<OpenFd>, Range<i32>), Why> {
        let mut open = Vec::with_capacity(numbers.len());
        let mut closed = 0;
        for fd in numbers.clone() {
            match self.read(fd, with_targets)? {
                Some(it) => open.push(it),
                None if closed > GAPS + open.len() / GAPS => return Ok((open, fd..numbers.end)),
                None => closed += 1,
            }
        }
        Ok((open, numbers.end..numbers.end))
    }

    /// Those of these that are open.
    fn listed(&self, numbers: Range<i32>) -> Result<Vec<i32>, Why> {
        let mut listed = Vec::new();
        if numbers.is_empty() {
            return Ok(listed);
        }
        // Linux: proc_readfd_common. A captured tree is listed from its beginning.
        let place = if self.proc.is_live {
            numbers.start as u64 + DOTS
        } else {
            0
        };
        rustix::fs::seek(&self.links, SeekFrom::Start(place)).map_err(why)?;
        let mut entries = Vec::with_capacity(ENTRIES);
        let mut entries = RawDir::new(&self.links, entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(why)?;
            let number = entry.file_name().to_str().ok();
            let number = number.and_then(|name| name.parse::<i32>().ok());
            if number.is_some_and(|number| number >= numbers.end) && self.proc.is_live {
                break;
            }
            listed.extend(number.filter(|number| numbers.contains(number)));
        }
        Ok(listed)
    }

    /// What a number names now; nothing if it is closed.
    pub(crate) fn read(&self, fd: i32, with_target: bool) -> Result<Option<OpenFd>, Why> {
        let name = DecInt::new(fd);
        let mut buffer = [MaybeUninit::uninit(); TARGET];
        let target = match rustix::fs::readlinkat_raw(&self.links, name.as_c_str(), &mut buffer) {
            Ok((target, _)) => &*target,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(why(errno)),
        };
        let kind = Kind::of_target(target);
        let (key, access) = if self.proc.is_live {
            (self.live_key(name.as_c_str(), kind, target), None)
        } else {
            captured_key(&self.dir, fd, kind, target)
        };
        let target = match with_target {
            true => String::from_utf8_lossy(target).into_owned(),
            false => String::new(),
        };
        Ok(Some(OpenFd {
            fd,
            target,
            kind,
            key,
            access,
        }))
    }

    fn live_key(&self, name: &CStr, kind: Kind, target: &[u8]) -> Option<FileKey> {
        let known_dev = match kind {
            Kind::Socket => Some(&self.proc.socket_dev),
            Kind::Pipe => Some(&self.proc.pipe_dev),
            _ => None,
        };
        if let (Some(ino), Some(dev)) = (ino_of_target(target), known_dev.and_then(OnceLock::get)) {
            return Some(FileKey {
                dev: Some(*dev),
                ino,
            });
        }
        // A network file system is not asked: it may never answer.
        let flags = AtFlags::STATX_DONT_SYNC;
        let stat = rustix::fs::statx(&self.links, name, flags, StatxFlags::INO).ok()?;
        let dev = stat.stx_dev_major << 20 | stat.stx_dev_minor;
        if let Some(known) = known_dev {
            known.get_or_init(|| dev);
        }
        Some(FileKey {
            dev: Some(dev),
            ino: stat.stx_ino,
        })
    }
}

/// What a captured tree can say: the link's own number, or fdinfo's; and the access mode.
fn captured_key(
    dir: &OwnedFd,
    fd: i32,
    kind: Kind,
    target: &[u8],
) -> (Option<FileKey>, Option<u32>) {
    let name = format!("fdinfo/{fd}");
    let file = rustix::fs::openat(dir, name, plain(), Mode::empty());
    let text = file.ok().and_then(|file| read(file, SMALL).ok());
    let info = text.and_then(|text| FdInfo::parse(&text[..]).ok());
    let of_target = ino_of_target(target).filter(|_| matches!(kind, Kind::Socket | Kind::Pipe));
    let ino = of_target.or(info.as_ref().and_then(|info| info.ino));
    let key = ino.map(|ino| FileKey { dev: None, ino });
    (key, info.map(|info| info.flags & libc::O_ACCMODE as u32))
}

/// The number in `socket:[1234]`.
fn ino_of_target(target: &[u8]) -> Option<u64> {
    let at = target.iter().position(|byte| *byte == b'[')?;
    let (head, number) = (&target[..at], &target[at + 1..]);
    let number = number.strip_suffix(b"]").filter(|_| head.ends_with(b":"))?;
    let add = |ino: u64, byte: &u8| {
        let digit = byte.wrapping_sub(b'0');
        let ino = ino.checked_mul(10)?.checked_add(u64::from(digit));
        ino.filter(|_| digit < 10)
    };
    (!number.is_empty()).then(|| number.iter().try_fold(0, add))?
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use super::*;

    #[test]
    fn a_directory_is_listed_from_any_number_on() {
        let files = some_files();
        let (proc, own) = (Proc::live(), std::process::id());
        let numbers = proc.numbers(own).unwrap();
        for file in &files {
            let fd = file.as_raw_fd();
            let listed = numbers.listed(fd..fd + 1).unwrap();
            assert_eq!(listed, [fd]);
            assert_eq!(numbers.listed(fd..i32::MAX).unwrap()[0], fd);
        }
    }

    #[test]
    fn however_many_gaps_there_are_every_number_is_found() {
        let files = some_files();
        let (proc, own) = (Proc::live(), std::process::id());
        let numbers = proc.numbers(own).unwrap();
        let all = numbers.read_all(false).unwrap();
        let is_there = |file: &OwnedFd| all.iter().any(|open| open.fd == file.as_raw_fd());
        assert!(files.iter().all(is_there));
        assert!(all.is_sorted_by(|a, b| a.fd < b.fd));
    }

    /// Files with one gap, and with many.
    fn some_files() -> Vec<OwnedFd> {
        let open = || OwnedFd::from(File::open("/dev/null").unwrap());
        let mut files: Vec<OwnedFd> = (0..200).map(|_| open()).collect();
        files.remove(100);
        let mut nth = 0..;
        files.retain(|_| nth.next().is_some_and(|nth| nth < 120 || nth % 9 == 0));
        files
    }
}
