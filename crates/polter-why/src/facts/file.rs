//! A file, look by look.

use polter_scan::Kind;
use serde::Serialize;

/// An open file of the process that was ready for something at the first look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileFacts {
    /// The fd.
    pub fd: i32,
    /// What kind of file it is.
    pub kind: Kind,
    /// The link's target, which may hold anything.
    pub target: String,
    /// How often it was asked.
    pub looks: u32,
    /// What `poll(2)` said at every look, as its bits.
    pub always: u16,
    /// What `poll(2)` said at some look.
    pub ever: u16,
    /// Bytes that nobody has read, at the last look; `None` if the file does not count them.
    pub unread: Option<i32>,
    /// Bytes that are not sent yet, at the last look; `None` if the file does not count them.
    pub unsent: Option<i32>,
    /// A listener's queue, at the last look.
    pub backlog: Option<Backlog>,
    /// True for a socket that listens.
    pub is_listener: bool,
    /// True if anything but the number of its looks changed between two looks: somebody uses it.
    pub has_moved: bool,
    /// Who has the other end of a pipe, of a pair, or of a connection on this machine; empty if that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_end: Vec<Holder>,
    /// What is known of the other end without a holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Other>,
    /// Who else has this very file open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<Holder>,
}

/// A listener's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Connections that nobody has accepted.
    pub queued: u32,
    /// How many it holds at most.
    pub limit: u32,
}

/// A process that has a file open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The fd.
    pub fd: i32,
}

/// What is known of the other end of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Other {
    /// Nobody in sight has it open.
    Gone,
    /// It is at this address, on another machine or out of sight.
    Address(String),
}

impl FileFacts {
    /// True if `poll(2)` said one of these bits at every look.
    pub fn was_always(&self, bits: i16) -> bool {
        self.always & bits.cast_unsigned() != 0
    }

    /// True if it was ready for the same at every look, and nothing about it changed.
    pub fn is_untouched(&self) -> bool {
        !self.has_moved && self.always != 0
    }

    /// The other end is gone, or the file has failed.
    pub fn is_down(&self) -> bool {
        self.was_always(libc::POLLHUP | libc::POLLERR | libc::POLLRDHUP)
    }

    /// How the file is called in a sentence.
    pub fn noun(&self) -> &'static str {
        match (self.kind, self.target.as_str()) {
            (Kind::Socket, _) if self.is_listener => "listener",
            (Kind::Anonymous, "anon_inode:inotify") => "inotify instance",
            (Kind::Anonymous, "anon_inode:[pidfd]" | "pidfd") => "pidfd",
            (Kind::Anonymous, "anon_inode:[io_uring]") => "io_uring",
            (Kind::Path, target) if target.starts_with("pidfd:") => "pidfd",
            (kind, _) => noun_of(Some(kind)),
        }
    }
}

/// How a file of a kind is called in a sentence.
pub(crate) fn noun_of(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Socket) => "socket",
        Some(Kind::Pipe) => "pipe",
        Some(Kind::Epoll) => "instance",
        Some(Kind::Eventfd) => "eventfd",
        Some(Kind::Timerfd) => "timerfd",
        Some(Kind::Signalfd) => "signalfd",
        Some(Kind::Anonymous | Kind::Path) | None => "file",
    }
}
