//! One registration's file and fds, asked about at every look.

use rustix::event::PollFlags;

use super::split::Split;
use crate::snapshot::Snapshot;
use crate::sys;

/// A registration's place: which instance, and where in it.
pub(super) type Place = (usize, usize);

/// A file that some holders can name by the registration's fd, and an elder cannot.
pub(super) struct WatchedFile {
    pub(super) place: Place,
    pub(super) split: Split,
    /// The eldest holder that cannot name it.
    pub(super) elder: u32,
    fd: i32,
    events: u32,
    tables: Vec<u32>,
    pub(super) is_ready: Option<bool>,
    pub(super) is_steady: bool,
}

impl WatchedFile {
    pub(super) fn new(snapshot: &Snapshot, place: Place, split: &Split) -> WatchedFile {
        let registration = &snapshot.instances[place.0].registrations[place.1];
        let start = |pid: &u32| {
            snapshot
                .processes
                .get(pid)
                .map_or(u64::MAX, |it| it.start_time)
        };
        let elder = split.elders.iter().copied().min_by_key(start).unwrap_or(0);
        WatchedFile {
            place,
            split: split.clone(),
            elder,
            fd: registration.fd,
            events: registration.events,
            tables: registration.tables.iter().map(|table| table.pid).collect(),
            is_ready: Some(true),
            is_steady: true,
        }
    }

    /// True if the process's own table was read, and not that of a process it shares it with.
    pub(super) fn is_known(&self, pid: &u32) -> bool {
        self.tables.contains(pid)
    }

    /// Asks whether the file is ready, and whether the fd still means what it meant.
    pub(super) fn look(&mut self) {
        let namer = self.split.namers[0];
        let asked = PollFlags::from_bits_truncate(self.events as u16);
        if self.is_ready == Some(true) {
            self.is_ready = sys::is_ready(namer, self.fd, asked);
        }
        let same = sys::kcmp_file((namer, self.fd), (self.elder, self.fd));
        let is_still_closed = same.is_ok_and(std::cmp::Ordering::is_ne);
        let is_closed = sys::kcmp_file((self.elder, self.fd), (self.elder, self.fd)).is_err();
        let is_named = sys::kcmp_file((namer, self.fd), (namer, self.fd)).is_ok();
        self.is_steady &= is_named && (is_still_closed || is_closed);
    }
}
