//! The fds of a process, and the files they name.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, Mode, RawDir, SeekFrom, StatxFlags};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::fdinfo::FdInfo;
use super::file::{SMALL, directory, plain, read, why};
use crate::parallel;
use crate::snapshot::{FileKey, Kind, OpenFd, Why};

/// Bytes of a directory that are listed at once.
const ENTRIES: usize = 32 << 10;

/// Fds that one thread reads before it asks for more work.
const PART: i32 = 4096;

/// Closed fds that are tried in vain before the open ones are listed instead.
const GAPS: usize = 8;

/// Offsets in the directory before that of fd 0: `.` and `..`. Linux: `proc_readfd_common`.
const DOTS: u64 = 2;

/// Bytes of a link's target, which the kernel writes into a page.
const TARGET: usize = 4096;

/// The devices of sockets and of pipes. All sockets are on one device, and all pipes on another, so
/// one `statx` of each kind is enough.
#[derive(Debug, Default)]
pub(super) struct Devices {
    socket: OnceLock<u32>,
    pipe: OnceLock<u32>,
}

impl Devices {
    /// The device of all sockets, if one has been seen.
    pub(super) fn socket(&self) -> Option<u32> {
        self.socket.get().copied()
    }
}

/// The fds of one process, whose directories are kept open.
#[derive(Debug)]
pub(crate) struct Fds<'a> {
    devices: &'a Devices,
    is_live: bool,
    dir: OwnedFd,
    links: OwnedFd,
}

impl Fds<'_> {
    pub(super) fn of(devices: &Devices, is_live: bool, dir: OwnedFd) -> Result<Fds<'_>, Why> {
        let links = rustix::fs::openat(&dir, "fd", directory(), Mode::empty()).map_err(why)?;
        Ok(Fds {
            devices,
            is_live,
            dir,
            links,
        })
    }

    /// The directory `/proc/PID`, held open: whoever gets the pid later is not read through it.
    pub(super) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// All open fds, ascending, with the files they name.
    ///
    /// Listing the directory costs half as much as reading the links, and fds mostly have no gaps.
    /// So the first `count` fds are read without a listing, `count` being how many are open. Only
    /// the fds above those, or behind too many gaps, are listed.
    pub(super) fn read_all(&self, with_targets: bool) -> Result<Vec<OpenFd>, Why> {
        let count = self.count();
        let starts = (0..count).step_by(PART as usize);
        let parts = starts.map(|start| start..count.min(start + PART)).collect();
        let parts = parallel::map(parts, |part| self.try_out(part, with_targets));
        let mut open = Vec::with_capacity(count as usize);
        let mut listed = Vec::new();
        for part in parts {
            let (tried_out, left) = part?;
            open.extend(tried_out);
            listed.extend(self.listed(left)?);
        }
        listed.extend(self.listed(count..i32::MAX)?);
        let parts = listed.chunks(PART as usize).collect();
        let parts = parallel::map(parts, |part: &[i32]| {
            // An fd that was closed since it was listed is no error: it is left out.
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

    /// How many are open; 0 if the kernel does not say. Linux: `proc_fd_getattr`, since 6.2.
    fn count(&self) -> i32 {
        let stat = rustix::fs::fstat(&self.links).ok();
        let size = stat.filter(|_| self.is_live).map(|stat| stat.st_size);
        size.and_then(|size| i32::try_from(size).ok()).unwrap_or(0)
    }

    /// Reads one fd after the other; gives up where there are too many gaps, and returns the range
    /// that is left to be listed.
    fn try_out(
        &self,
        fds: Range<i32>,
        with_targets: bool,
    ) -> Result<(Vec<OpenFd>, Range<i32>), Why> {
        let mut open = Vec::with_capacity(fds.len());
        let mut closed = 0;
        for fd in fds.clone() {
            match self.read(fd, with_targets)? {
                Some(it) => open.push(it),
                None if closed > GAPS + open.len() / GAPS => return Ok((open, fd..fds.end)),
                None => closed += 1,
            }
        }
        Ok((open, fds.end..fds.end))
    }

    /// The open fds of a range, by listing the directory.
    fn listed(&self, fds: Range<i32>) -> Result<Vec<i32>, Why> {
        let mut listed = Vec::new();
        if fds.is_empty() {
            return Ok(listed);
        }
        // Linux: proc_readfd_common lets a directory be listed from any fd on. A captured tree is
        // on an ordinary file system, and is listed from its beginning.
        let place = if self.is_live {
            fds.start as u64 + DOTS
        } else {
            0
        };
        rustix::fs::seek(&self.links, SeekFrom::Start(place)).map_err(why)?;
        let mut entries = Vec::with_capacity(ENTRIES);
        let mut entries = RawDir::new(&self.links, entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(why)?;
            let name = entry.file_name().to_str().ok();
            let fd = name.and_then(|name| name.parse::<i32>().ok());
            if fd.is_some_and(|fd| fd >= fds.end) && self.is_live {
                break;
            }
            listed.extend(fd.filter(|fd| fds.contains(fd)));
        }
        Ok(listed)
    }

    /// What an fd names now; `None` if it is closed.
    pub(crate) fn read(&self, fd: i32, with_target: bool) -> Result<Option<OpenFd>, Why> {
        let name = DecInt::new(fd);
        let mut buffer = [MaybeUninit::uninit(); TARGET];
        let target = match rustix::fs::readlinkat_raw(&self.links, name.as_c_str(), &mut buffer) {
            Ok((target, _)) => &*target,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(why(errno)),
        };
        let kind = Kind::of_target(target);
        let (key, access) = if self.is_live {
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
            Kind::Socket => Some(&self.devices.socket),
            Kind::Pipe => Some(&self.devices.pipe),
            _ => None,
        };
        if let (Some(ino), Some(dev)) = (ino_of_target(target), known_dev.and_then(OnceLock::get)) {
            return Some(FileKey {
                dev: Some(*dev),
                ino,
            });
        }
        // DONT_SYNC, because a network file system that is asked may never answer.
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

/// What a captured tree can tell: an inode, from the link or from fdinfo; and the access mode.
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

/// The inode in `socket:[1234]`.
fn ino_of_target(target: &[u8]) -> Option<u64> {
    let at = target.iter().position(|byte| *byte == b'[')?;
    let (head, digits) = (&target[..at], &target[at + 1..]);
    let digits = digits.strip_suffix(b"]").filter(|_| head.ends_with(b":"))?;
    let add = |ino: u64, byte: &u8| {
        let digit = byte.wrapping_sub(b'0');
        let ino = ino.checked_mul(10)?.checked_add(u64::from(digit));
        ino.filter(|_| digit < 10)
    };
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, add))?
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use crate::proc::Proc;

    #[test]
    fn a_directory_is_listed_from_any_fd_on() {
        let files = some_files();
        let (proc, own) = (Proc::live(), std::process::id());
        let fds = proc.fds(own).unwrap();
        for file in &files {
            let fd = file.as_raw_fd();
            let listed = fds.listed(fd..fd + 1).unwrap();
            assert_eq!(listed, [fd]);
            assert_eq!(fds.listed(fd..i32::MAX).unwrap()[0], fd);
        }
    }

    #[test]
    fn however_many_gaps_there_are_every_fd_is_found() {
        let files = some_files();
        let (proc, own) = (Proc::live(), std::process::id());
        let fds = proc.fds(own).unwrap();
        let all = fds.read_all(false).unwrap();
        let is_there = |file: &OwnedFd| all.iter().any(|open| open.fd == file.as_raw_fd());
        assert!(files.iter().all(is_there));
        assert!(all.is_sorted_by(|a, b| a.fd < b.fd));
    }

    /// Files with one gap, and with many.
    fn some_files() -> Vec<OwnedFd> {
        let open = || OwnedFd::from(File::open("/dev/null").unwrap());
        let mut files: Vec<OwnedFd> = (0..200).map(|_| open()).collect();
        files.remove(100);
        let mut places = 0..;
        files.retain(|_| places.next().is_some_and(|at| at < 120 || at % 9 == 0));
        files
    }
}
