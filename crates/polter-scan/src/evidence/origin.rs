//! Where a file came from: did a forked process get it with its table, or open it by itself?

use std::cmp::Ordering;
use std::time::Duration;

use rustix::fs::AtFlags;
use rustix::net::{AddressFamily, SocketAddrAny};
use rustix::time::ClockId;
use serde::Serialize;

use super::{Split, numbers_of};
use crate::proc::Proc;
use crate::snapshot::{Instance, Kind, Process, Registration, Snapshot};
use crate::spin::copy_of;
use crate::sys;

/// Numbers gone through on the way up to one that both have.
const CLIMB: i32 = 64;

/// What shows of where a file came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Who has the file, of several the eldest.
    pub namer: u32,
    /// It has the instance under a number that the elder has it under: a copied table's.
    pub has_same_instance_number: bool,
    /// The elder's number for the other end of the pipe.
    pub other_end: Option<i32>,
    /// The elder made the file: a pair of sockets tells its maker.
    pub is_made_by_elder: bool,
    /// The file is older than the process that has it.
    pub is_older: bool,
    /// All that the file tells of its age is later than that process's start.
    pub seems_younger: bool,
    /// The first number above that names one file in both tables, with no gap up to it.
    pub neighbour: Option<i32>,
    /// The process has become another program since it was forked.
    pub has_changed_program: bool,
}

impl Origin {
    pub(super) fn of(
        proc: &Proc,
        snapshot: &Snapshot,
        instance: &Instance,
        registration: &Registration,
        split: &Split,
        elder: u32,
    ) -> Origin {
        let start = |pid: &u32| snapshot.processes.get(pid).map(|it| it.start_time);
        let Some(namer) = split.namers.iter().copied().min_by_key(start) else {
            return Origin::default();
        };
        let of_elder = numbers_of(instance, elder);
        let is_of_elder = |fd: &i32| of_elder.contains(fd);
        let mut origin = Origin {
            namer,
            has_same_instance_number: numbers_of(instance, namer).iter().any(is_of_elder),
            ..Origin::default()
        };
        let (Ok(with), Ok(without)) = (proc.listed(namer), proc.listed(elder)) else {
            return origin;
        };
        let fd = registration.fd;
        let open = with.open_fd(fd);
        let kind = open.map(|open| open.kind);
        if kind == Some(Kind::Pipe) {
            let key = open.and_then(|open| open.key);
            let is_end = |it: &&crate::snapshot::OpenFd| it.key.is_some() && it.key == key;
            origin.other_end = without.open.iter().find(is_end).map(|it| it.fd);
            origin.date(proc, namer, fd, with.start_time);
        }
        if kind == Some(Kind::Socket) {
            origin.is_made_by_elder = maker_of_pair(namer, fd) == Some(elder);
        }
        origin.neighbour = neighbour(&with, &without, fd);
        origin.has_changed_program = with.is_another_program(&without);
        origin
    }

    /// True if the file is known to have been there at the fork, or by all likeness was.
    pub(super) fn is_inherited(&self) -> bool {
        let is_known = self.other_end.is_some() || self.is_made_by_elder || self.is_older;
        let is_like = self.neighbour.is_some() || self.has_changed_program;
        self.has_same_instance_number && (is_known || is_like && !self.seems_younger)
    }

    /// The youngest a pipe can be: what was first of its making, a write and a read.
    fn date(&mut self, proc: &Proc, pid: u32, fd: i32, start_time: u64) {
        let path = proc.root().join(format!("{pid}/fd/{fd}"));
        let Ok(stat) = rustix::fs::statat(rustix::fs::CWD, path, AtFlags::empty()) else {
            return;
        };
        let time = |seconds: i64, nanoseconds: u64| {
            let seconds = u64::try_from(seconds).ok()?;
            Some(Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds % 1_000_000_000))
        };
        let times = [
            time(stat.st_atime, stat.st_atime_nsec),
            time(stat.st_mtime, stat.st_mtime_nsec),
            time(stat.st_ctime, stat.st_ctime_nsec),
        ];
        let Some(first) = times.into_iter().flatten().min() else {
            return;
        };
        let clock = |id| Duration::try_from(rustix::time::clock_gettime(id)).unwrap_or_default();
        let booted = clock(ClockId::Realtime).saturating_sub(clock(ClockId::Boottime));
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let tick = Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(100);
        let start = tick.saturating_mul(u32::try_from(start_time).unwrap_or(u32::MAX));
        let age = first.saturating_sub(booted);
        // A start is told in ticks, and the kernel's clock for files goes by its own.
        self.is_older = age + tick < start;
        self.seems_younger = age > start + 2 * tick;
    }
}

/// Who called `socketpair(2)`; nothing for any other socket.
///
/// Such sockets have no names. One that was connected has its peer's, or its own, and
/// tells who listens.
fn maker_of_pair(pid: u32, fd: i32) -> Option<u32> {
    let copy = copy_of(pid, fd).ok()?;
    // Of a name there is the family alone.
    let is_nameless = |name: SocketAddrAny| {
        let is_unix = name.address_family() == AddressFamily::UNIX;
        is_unix && name.addr_len() as usize == size_of::<libc::sa_family_t>()
    };
    let own = rustix::net::getsockname(&copy).ok()?;
    let peer = rustix::net::getpeername(&copy).ok().flatten();
    (is_nameless(own) && peer.is_none_or(is_nameless)).then(|| sys::peer_of(&copy))?
}

/// Goes up from a number through those that are open, to one that is the same in both tables.
fn neighbour(with: &Process, without: &Process, fd: i32) -> Option<i32> {
    // What has come to the number since says nothing of the time before.
    if without.open_fd(fd).is_some() {
        return None;
    }
    let is_shared = |fd: i32| {
        let order = sys::kcmp_file((with.pid, fd), (without.pid, fd));
        without.open_fd(fd).is_some() && order.is_ok_and(Ordering::is_eq)
    };
    let above = (fd.checked_add(1)?..=fd.saturating_add(CLIMB))
        .take_while(|fd| with.open_fd(*fd).is_some());
    above.into_iter().find(|fd| is_shared(*fd))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::maker_of_pair;

    #[test]
    fn a_pair_of_sockets_tells_its_maker_and_others_do_not() {
        let own = std::process::id();
        let (one, other) = UnixStream::pair().unwrap();
        let maker = |socket: &UnixStream| maker_of_pair(own, socket.as_raw_fd());
        if maker(&one).is_none() && super::copy_of(own, one.as_raw_fd()).is_err() {
            // Where a sandbox forbids to take a copy there is nothing to test.
            return;
        }
        assert_eq!([maker(&one), maker(&other)], [Some(own); 2]);
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let near = UnixStream::connect(dir.path().join("s")).unwrap();
        let (far, _) = listener.accept().unwrap();
        assert_eq!([maker(&near), maker(&far)], [None; 2]);
    }
}
