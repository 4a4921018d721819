//! Where versions of Linux differ.

use crate::Errno;
use std::fmt;
use std::str::FromStr;

/// A version of Linux, `6.18` as `Version { major: 6, minor: 18 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 6 of `6.18`.
    pub major: u16,
    /// 18 of `6.18`; differences between stable releases of one are not modelled.
    pub minor: u16,
}

impl Version {
    /// The version a number stands for.
    pub const fn new(major: u16, minor: u16) -> Version {
        Version { major, minor }
    }

    /// `epoll_wait(2)` looked at `maxevents` and the buffer before the descriptor, until 6.15
    /// ("eventpoll: abstract out parameter sanity checking"). Measured on 6.1, 6.12 and 6.18.
    pub(crate) fn checks_maxevents_first(self) -> bool {
        self < Version::new(6, 15)
    }

    /// What an instance says of an ioctl it does not know. It knew none until 6.9 ("eventpoll: Add
    /// epoll ioctl for epoll_params"), which says EINVAL. Measured on 6.1, 6.12 and 6.18.
    pub(crate) fn unknown_epoll_ioctl(self) -> Errno {
        if self.has_epoll_params() {
            Errno::EINVAL
        } else {
            Errno::ENOTTY
        }
    }

    /// An instance has busy-poll settings, EPIOCSPARAMS and EPIOCGPARAMS, since 6.9:
    /// ioctl_eventpoll(2).
    pub(crate) fn has_epoll_params(self) -> bool {
        self >= Version::new(6, 9)
    }

    /// `F_DUPFD_QUERY` is known since 6.10: F_DUPFD_QUERY(2const). Measured on 6.1, 6.12 and 6.18.
    pub(crate) fn has_dupfd_query(self) -> bool {
        self >= Version::new(6, 10)
    }

    /// The files a message carries are the message's alone once it is queued, since 6.10 ("af_unix:
    /// Remove scm_fp_dup() in unix_attach_fds()"). Before, a send held them to its end. Measured on
    /// 6.1, 6.12 and 6.18.
    pub(crate) fn moves_rights_into_message(self) -> bool {
        self >= Version::new(6, 10)
    }

    /// A read from a full pipe wakes a writer even if it makes no room, until 6.14 ("pipe_read: don't
    /// wake up the writer if the pipe is still full"). Measured on 6.12 and 6.18; the end is not.
    pub(crate) fn wakes_writers_in_vain(self) -> bool {
        self < Version::new(6, 14)
    }

    /// A thread can have a pidfd, by `PIDFD_THREAD` or `CLONE_PIDFD`, since 6.9: pidfd_open(2).
    /// Measured on 6.1, 6.12 and 6.18.
    pub(crate) fn has_pidfd_thread(self) -> bool {
        self >= Version::new(6, 9)
    }

    /// A pidfd says HUP when its process has been waited for, since 6.9: pidfd_open(2). Measured on
    /// 6.1, 6.12 and 6.18.
    pub(crate) fn has_pidfd_hangup(self) -> bool {
        self >= Version::new(6, 9)
    }

    /// A pidfd is a regular file of no bytes, since 6.9 ("pidfd: add pidfs") and until 6.15, which
    /// makes it anonymous again. Measured on 6.1, 6.12 and 6.18; the end is not.
    pub(crate) fn has_regular_pidfd(self) -> bool {
        self >= Version::new(6, 9) && self < Version::new(6, 15)
    }

    /// A pidfd refuses every argument of an ioctl, known or not, and looks for the task before it looks
    /// at the request, since it has ioctls of its own (6.11) and until 6.14 ("pidfs: check for valid
    /// ioctl commands"). Measured on 6.1, 6.12 and 6.18.
    pub(crate) fn has_wary_pidfd_ioctl(self) -> bool {
        self >= Version::new(6, 11) && self < Version::new(6, 14)
    }

    /// Of a longer write an eventfd took the first eight bytes ("eventfd: strictly check the count
    /// parameter of eventfd_write"). Measured: on 6.1, and no more on 6.12; which release between
    /// them ended it is not known here.
    pub(crate) fn takes_long_eventfd_writes(self) -> bool {
        self < Version::new(6, 12)
    }

    /// A datagram without an addressee was refused before its length was looked at, until 6.14.
    /// Measured on 6.18; read, not measured, for 6.12.
    pub(crate) fn looks_for_peer_first(self) -> bool {
        self < Version::new(6, 14)
    }

    /// `io_uring_register(2)` takes -1 for no ring, for other things than files, since 6.13.
    /// Measured on 6.18; the beginning is not.
    pub(crate) fn registers_without_ring(self) -> bool {
        self >= Version::new(6, 13)
    }

    /// A socket that goes with nothing but an empty packet unread reset its peer, until 6.16 and in the
    /// first updates of 6.12. Measured: no more on 6.12.117 and 6.18; the end is not.
    pub(crate) fn resets_for_empty_packet(self) -> bool {
        self < Version::new(6, 12)
    }

    /// A descriptor of a process's first thread tells nothing before the other threads have ended,
    /// since 6.16 and in the later updates of 6.12 ("pidfs: improve multi-threaded exec and premature
    /// thread-group leader exit polling"). Measured on 6.18 and 6.12.117; the beginning is not.
    pub(crate) fn leader_stands_for_all(self) -> bool {
        self >= Version::new(6, 12)
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

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that names no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownVersion;

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a version of Linux: two numbers, as in 6.12")
    }
}

impl std::error::Error for UnknownVersion {}

/// Reads `6.12`, and a release as uname(2) gives it: `6.12.48+deb13-cloud-amd64`.
impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Version, UnknownVersion> {
        let (major, rest) = text.split_once('.').ok_or(UnknownVersion)?;
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let (minor, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let number_fn = |text: &str| text.parse().map_err(|_| UnknownVersion);
        let is_release = rest.is_empty() || rest.starts_with(['.', '-', '+']);
        if !is_release || major.starts_with('+') {
            return Err(UnknownVersion);
        }
        Ok(Version::new(number_fn(major)?, number_fn(minor)?))
    }
}

/// The version the model is held against first.
impl Default for Version {
    fn default() -> Version {
        Version::new(6, 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_a_version() {
        check("6.18", Some((6, 18)));
        check("6.1.0-37-cloud-amd64", Some((6, 1)));
        check("6.12-rc3", Some((6, 12)));
        check("6", None);
        check("6.", None);
        check("6.x", None);
        check("6.12x", None);
    }

    #[track_caller]
    fn check(text: &str, expected: Option<(u16, u16)>) {
        let expected = expected.map(|(major, minor)| Version::new(major, minor));
        assert_eq!(text.parse().ok(), expected, "{text}");
    }
}
