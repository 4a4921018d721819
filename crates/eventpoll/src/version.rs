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
