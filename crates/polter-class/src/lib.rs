//! The kinds of fault in the lifetime of epoll's registrations, by one name each: whether a log shows a fault or a
//! running process does, it is called the same.

mod help;

use serde::Serialize;

/// A kind of fault. A log shows events, a running process what they have left: each has kinds that the other cannot show
/// ([`Class::IN_LOGS`], [`Class::IN_PROCESSES`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A registration outlives its fd, and a forked process keeps the file open.
    ForkGhost,
    /// A registration outlives its fd, and a duplicate keeps the file open.
    DupGhost,
    /// A registration outlives its fd, and the process it came from keeps the file open.
    HandedOverGhost,
    /// A registration outlives its fd, and nobody in sight has the file open: a message or an io_uring keeps it.
    InFlightGhost,
    /// A registration outlives its fd, and the log does not show who keeps the file open.
    UnseenGhost,
    /// Two registrations of one fd, one of them a ghost.
    NumberReuse,
    /// `epoll_ctl` answers for a file that had the fd before.
    ErrnoAfterReuse,
    /// An event is reported without end, and nobody acts on it.
    UnheededEvent,
    /// An event of a batch is handled after its fd was closed.
    StaleBatch,
    /// A child's DEL takes its parent's registration.
    ChildRemoves,
    /// A process takes an event that another process registered for.
    EventTheft,
    /// A registration of a file that others who share the instance cannot name.
    ForeignEntry,
    /// A signalfd in an instance that another process waits on.
    DeafSignalfd,
    /// An instance's fd is used after it was closed.
    DeadEpollFd,
    /// An instance reaches a program that never uses it.
    LeakedEpoll,
    /// An fd is closed and reused while a thread waits.
    CloseRacesWait,
    /// `EPOLL_CTL_ADD` is used to ask whether two fds name one file.
    EpollAsKcmp,
    /// An instance is in several processes' tables.
    SharedEpoll,
    /// One file is registered under ever more fds.
    DupPile,
}

impl Class {
    /// The kinds that a log shows, in the order in which help texts list them.
    pub const IN_LOGS: [Class; 17] = [
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

    /// The kinds that running processes show, the worst first.
    pub const IN_PROCESSES: [Class; 11] = [
        Class::ForkGhost,
        Class::DupGhost,
        Class::HandedOverGhost,
        Class::InFlightGhost,
        Class::NumberReuse,
        Class::UnheededEvent,
        Class::ForeignEntry,
        Class::DeafSignalfd,
        Class::LeakedEpoll,
        Class::SharedEpoll,
        Class::DupPile,
    ];

    /// The name, as `--fail-on` and JSON spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Class::ForkGhost => "fork-ghost",
            Class::DupGhost => "dup-ghost",
            Class::HandedOverGhost => "handed-over-ghost",
            Class::InFlightGhost => "in-flight-ghost",
            Class::UnseenGhost => "unseen-ghost",
            Class::NumberReuse => "number-reuse",
            Class::ErrnoAfterReuse => "errno-after-reuse",
            Class::UnheededEvent => "unheeded-event",
            Class::StaleBatch => "stale-batch",
            Class::ChildRemoves => "child-removes",
            Class::EventTheft => "event-theft",
            Class::ForeignEntry => "foreign-entry",
            Class::DeafSignalfd => "deaf-signalfd",
            Class::DeadEpollFd => "dead-epoll-fd",
            Class::LeakedEpoll => "leaked-epoll",
            Class::CloseRacesWait => "close-races-wait",
            Class::EpollAsKcmp => "epoll-as-kcmp",
            Class::SharedEpoll => "shared-epoll",
            Class::DupPile => "dup-pile",
        }
    }

    /// True for the five ghosts: registrations that outlive their fd.
    pub const fn is_ghost(self) -> bool {
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
    /// It did harm, does harm, or lasts.
    Fault,
    /// It came and went, may be intended, or is something that a policy would change.
    Note,
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn json_and_the_command_line_spell_a_class_alike() {
        for class in Class::IN_LOGS.iter().chain(&Class::IN_PROCESSES) {
            let json = serde_json::to_string(class).expect("a name is text");
            assert_eq!(json, format!("\"{}\"", class.name()));
        }
    }
}
