//! Where versions of Linux differ.

use crate::Errno;

/// A version of Linux, `6.18` as `Version { major: 6, minor: 18 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
}

impl Version {
    /// The version a number stands for.
    pub const fn new(major: u16, minor: u16) -> Version {
        Version { major, minor }
    }

    /// `epoll_wait(2)` looked at `maxevents` and the buffer before the descriptor, up to 6.12.
    pub(crate) fn checks_maxevents_first(self) -> bool {
        self <= Version::new(6, 12)
    }

    /// A datagram without an addressee was refused before its length was looked at, up to 6.13.
    pub(crate) fn looks_for_peer_first(self) -> bool {
        self < Version::new(6, 14)
    }

    /// `io_uring_register(2)` takes -1 for no ring, for other things than files, since 6.13.
    pub(crate) fn registers_without_ring(self) -> bool {
        self >= Version::new(6, 13)
    }

    /// A socket that goes with nothing but an empty packet unread resets its
    /// peer, up to 6.15.
    pub(crate) fn resets_for_empty_packet(self) -> bool {
        self < Version::new(6, 16)
    }

    /// A descriptor of a process's first thread tells nothing before the
    /// other threads have ended, since 6.16.
    pub(crate) fn leader_stands_for_all(self) -> bool {
        self >= Version::new(6, 16)
    }

    /// What `pidfd_open(2)` says of a thread that leads no process.
    pub(crate) fn pidfd_open_of_thread(self) -> Errno {
        if self < Version::new(6, 17) {
            Errno::EINVAL
        } else {
            Errno::ENOENT
        }
    }
}

/// The version the model is held against first.
impl Default for Version {
    fn default() -> Version {
        Version::new(6, 18)
    }
}
