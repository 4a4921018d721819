//! Findings: what is wrong, and how it came about.

use serde::Serialize;

/// Something that is wrong, with the calls that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind.
    pub class: Class,
    /// A fault, or something that did no harm in this log.
    pub severity: Severity,
    /// The process it hurts.
    pub pid: u32,
    /// The fd it is about.
    pub fd: i32,
    /// The epoll instance it is about.
    pub instance: Instance,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// How it came about, in order.
    pub story: Vec<Step>,
    /// Who kept the file alive when it was orphaned.
    pub holders: Vec<KeptBy>,
    /// How many events were reported through it since.
    pub events: u64,
    /// The line at which it was gone again; `None` if it lasted to the end.
    pub ended: Option<u64>,
    /// How to mend it, in one sentence.
    pub fix: String,
    /// How many more of the same kind, process and place were seen.
    pub repeated: u64,
}

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A registration outlives its descriptor in a forked process's copy.
    ForkGhost,
    /// A registration outlives its descriptor in a duplicate.
    DupGhost,
    /// A registration outlives its descriptor in the process it came from.
    HandedOverGhost,
    /// A registration outlives its descriptor in a message or a ring.
    InFlightGhost,
    /// A registration outlives its descriptor; the log does not show who keeps the file.
    UnseenGhost,
    /// Two registrations of one fd, one of them a ghost.
    NumberReuse,
    /// `epoll_ctl` answers for a file that had the fd before.
    ErrnoAfterReuse,
    /// An event of a batch is handled after its descriptor was closed.
    StaleBatch,
    /// A child's DEL takes its parent's registration.
    ChildRemoves,
    /// A process takes an event another process registered for.
    EventTheft,
    /// A process registers a file the others do not have.
    ForeignEntry,
    /// A signalfd in an instance that another process waits on.
    DeafSignalfd,
    /// An instance's fd is used after it was closed.
    DeadEpollFd,
    /// An instance reaches a program that never uses it.
    LeakedEpoll,
    /// A descriptor is closed and its fd reused while a thread waits.
    CloseRacesWait,
    /// `EPOLL_CTL_ADD` is used to ask whether two descriptors are one file.
    EpollAsKcmp,
    /// An event is reported again and again, and no call is made on what it is about.
    UnheededEvent,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 17] = [
        Class::ForkGhost,
        Class::DupGhost,
        Class::HandedOverGhost,
        Class::InFlightGhost,
        Class::UnseenGhost,
        Class::NumberReuse,
        Class::ErrnoAfterReuse,
        Class::StaleBatch,
        Class::ChildRemoves,
        Class::EventTheft,
        Class::ForeignEntry,
        Class::DeafSignalfd,
        Class::DeadEpollFd,
        Class::LeakedEpoll,
        Class::CloseRacesWait,
        Class::EpollAsKcmp,
        Class::UnheededEvent,
    ];

    /// The name, as `--fail-on` and JSON spell it.
    pub fn name(self) -> &'static str {
        match self {
            Class::ForkGhost => "fork-ghost",
            Class::DupGhost => "dup-ghost",
            Class::HandedOverGhost => "handed-over-ghost",
            Class::InFlightGhost => "in-flight-ghost",
            Class::UnseenGhost => "unseen-ghost",
            Class::NumberReuse => "number-reuse",
            Class::ErrnoAfterReuse => "errno-after-reuse",
            Class::StaleBatch => "stale-batch",
            Class::ChildRemoves => "child-removes",
            Class::EventTheft => "event-theft",
            Class::ForeignEntry => "foreign-entry",
            Class::DeafSignalfd => "deaf-signalfd",
            Class::DeadEpollFd => "dead-epoll-fd",
            Class::LeakedEpoll => "leaked-epoll",
            Class::CloseRacesWait => "close-races-wait",
            Class::EpollAsKcmp => "epoll-as-kcmp",
            Class::UnheededEvent => "unheeded-event",
        }
    }

    /// True for the five ghosts.
    pub fn is_ghost(self) -> bool {
        matches!(
            self,
            Class::ForkGhost
                | Class::DupGhost
                | Class::HandedOverGhost
                | Class::InFlightGhost
                | Class::UnseenGhost
        )
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It did harm, or lasted.
    Fault,
    /// It came and went, or is a way of doing things that a policy would change.
    Note,
}

/// An instance, by the descriptor it was made as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The process that made it.
    pub pid: u32,
    /// The fd it had there.
    pub fd: i32,
    /// The line it was made on; `None` if that was before the log began.
    pub line: Option<u64>,
}

/// One call of those that led to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What happened, as a short verb phrase: `registered`, `closed by its owner`.
    pub what: String,
    /// The call, and where it stands in the log.
    pub site: Site,
}

/// A call in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The line, from 1.
    pub line: u64,
    /// The task that called.
    pub pid: u32,
    /// The call as the log has it, cut if it is long.
    pub text: String,
    /// The stack under it, if the log has one (`strace -k`), innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
}

/// Somebody who keeps a file alive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptBy {
    /// A process's descriptor.
    Fd {
        /// The process that has it.
        pid: u32,
        /// Its fd there.
        fd: i32,
    },
    /// The descriptor of a thread that has a table of its own, in the process that closed the fd.
    Thread {
        /// The thread that has it.
        tid: u32,
        /// Its fd there.
        fd: i32,
    },
    /// A message not yet received.
    InFlight,
    /// The fixed files of an io_uring.
    Ring,
    /// Somebody the log does not show.
    Unknown,
}
