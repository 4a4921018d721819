//! Where a file came from: did a forked process get it with its table, or open it by itself?
//!
//! No call tells, so this looks for signs. Each is either a fact (the elder has the pipe's other
//! end) or a likeness (the fds above are the same in both tables).

use std::cmp::Ordering;
use std::time::Duration;

use rustix::fs::AtFlags;
use rustix::net::{AddressFamily, SocketAddrAny};
use rustix::time::ClockId;

use super::split::Split;
use crate::proc::Proc;
use crate::snapshot::{Instance, Kind, OpenFd, Origin, Process, Registration, Snapshot};
use crate::sys;

/// How many fds above are tried for one that both tables have.
const CLIMB: i32 = 64;

impl Origin {
    /// Collects the signs for one registration's file.
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
        let of_elder = instance.fds_of(elder);
        let is_of_elder = |fd: &i32| of_elder.contains(fd);
        let mut origin = Origin {
            namer,
            has_same_instance_fd: instance.fds_of(namer).iter().any(is_of_elder),
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
            let is_end = |it: &&OpenFd| it.key.is_some() && it.key == key;
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

    /// Compares the pipe's age with the process's. Reads and writes only move its time stamps
    /// forward, so the pipe is at least as old as the earliest of them.
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
        // A start is known to a tick, and files are stamped by a coarser clock: near the start,
        // neither is claimed.
        self.is_older = age + tick < start;
        self.seems_younger = age > start + 2 * tick;
    }
}

/// Who called `socketpair(2)`; `None` for any other socket.
///
/// The sockets of a pair have no names. A socket that was connected has a name, or its peer has,
/// and its `SO_PEERCRED` tells who listens or connects, not who made it.
fn maker_of_pair(pid: u32, fd: i32) -> Option<u32> {
    let copy = sys::copy_of(pid, fd).ok()?;
    // An address without a name consists of the family alone.
    let is_nameless = |name: SocketAddrAny| {
        let is_unix = name.address_family() == AddressFamily::UNIX;
        is_unix && name.addr_len() as usize == size_of::<libc::sa_family_t>()
    };
    let own = rustix::net::getsockname(&copy).ok()?;
    let peer = rustix::net::getpeername(&copy).ok().flatten();
    (is_nameless(own) && peer.is_none_or(is_nameless)).then(|| sys::peer_of(&copy))?
}

/// The first fd above that names one file in both tables, if every fd up to it is open.
///
/// The kernel gives out the lowest free fd. So a file that the child opened after the fork would
/// stand above the copied ones, not below one of them.
fn neighbour(with: &Process, without: &Process, fd: i32) -> Option<i32> {
    // The elder has given the fd to another file since: what stands above may be as new.
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
        if maker(&one).is_none() && crate::sys::copy_of(own, one.as_raw_fd()).is_err() {
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
