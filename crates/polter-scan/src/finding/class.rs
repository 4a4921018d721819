//! The kinds of fault, and how bad each is.

use serde::Serialize;

/// The kinds of fault that a snapshot shows. The judge finds the same in logs, and spells them the
/// same way; it has more kinds, for events that leave nothing behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A registration outlives its fd in a forked process's copy.
    ForkGhost,
    /// A registration outlives its fd in a duplicate.
    DupGhost,
    /// A registration outlives its fd in the process it came from.
    HandedOverGhost,
    /// A registration outlives its fd where nobody in sight has the file open.
    InFlightGhost,
    /// Two registrations of one fd, one of them a ghost.
    NumberReuse,
    /// A registration that every wait reports, and that nobody acts on.
    UnheededEvent,
    /// A registration whose fd names its file for some holders of the instance, but not for an
    /// elder.
    ForeignEntry,
    /// A signalfd in an instance that several processes hold.
    DeafSignalfd,
    /// An instance reached a program that did not make it.
    LeakedEpoll,
    /// An instance in several processes' tables.
    SharedEpoll,
    /// One file registered under ever more fds.
    DupPile,
}

impl Class {
    /// Every class, the worst first.
    pub const ALL: [Class; 11] = [
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
            Class::NumberReuse => "number-reuse",
            Class::UnheededEvent => "unheeded-event",
            Class::ForeignEntry => "foreign-entry",
            Class::DeafSignalfd => "deaf-signalfd",
            Class::LeakedEpoll => "leaked-epoll",
            Class::SharedEpoll => "shared-epoll",
            Class::DupPile => "dup-pile",
        }
    }

    /// True for the four ghosts.
    pub const fn is_ghost(self) -> bool {
        matches!(
            self,
            Class::ForkGhost | Class::DupGhost | Class::HandedOverGhost | Class::InFlightGhost
        )
    }

    /// How bad a finding of this kind is.
    pub(crate) const fn severity(self) -> Severity {
        match self {
            Class::SharedEpoll | Class::DupPile => Severity::Note,
            _ => Severity::Fault,
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It does harm, or will.
    Fault,
    /// It may be intended.
    Note,
}
