//! The kinds of cause, by one name each.

use polter_class::Class;
use serde::{Serialize, Serializer};

/// A kind of cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseClass {
    /// A registration outlives its fd, and is reported. Every kind of ghost has its own name.
    Ghost(Class),
    /// The other end is gone, which no mask leaves out, and nobody closes the fd.
    UnheededHangup,
    /// There is something to take, and nobody takes it.
    UnheededInput,
    /// `EPOLLOUT` is waited for with nothing to write.
    OutputLeftOn,
    /// A listener is ready, and accept fails because no further fd may be opened.
    AcceptLimit,
    /// Many are woken for one connection, and all but one in vain.
    Herd,
    /// The loop asks without waiting: its timeout is zero.
    ZeroTimeout,
    /// An inner instance has events, and nobody waits on it.
    InnerInstance,
    /// A call that is no wait is made over and over.
    BusyCall,
    /// The program computes: none of epoll's business.
    NotEpoll,
    /// Input waits in a file that is registered nowhere.
    Unregistered,
    /// Input waits in a file that is registered in an instance that nobody waits on.
    UnattendedInstance,
    /// A one-shot has fired, and was not armed again.
    Disarmed,
    /// Edge-triggered: it was reported once, and not taken to the end.
    EdgeConsumed,
    /// The registration does not wait for input.
    Masked,
    /// Another process that shares the instance takes the events.
    EventTheft,
    /// The signalfd answers to another process.
    DeafSignalfd,
    /// A thread waits on an instance whose fd is closed.
    ClosedInstance,
}

impl CauseClass {
    /// Every kind but the ghosts, those that make a process spin first.
    pub const PLAIN: [CauseClass; 17] = [
        CauseClass::UnheededHangup,
        CauseClass::UnheededInput,
        CauseClass::OutputLeftOn,
        CauseClass::AcceptLimit,
        CauseClass::Herd,
        CauseClass::ZeroTimeout,
        CauseClass::InnerInstance,
        CauseClass::BusyCall,
        CauseClass::NotEpoll,
        CauseClass::Unregistered,
        CauseClass::UnattendedInstance,
        CauseClass::Disarmed,
        CauseClass::EdgeConsumed,
        CauseClass::Masked,
        CauseClass::EventTheft,
        CauseClass::DeafSignalfd,
        CauseClass::ClosedInstance,
    ];

    /// The name, as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            CauseClass::Ghost(class) => class.name(),
            CauseClass::UnheededHangup => "unheeded-hangup",
            CauseClass::UnheededInput => "unheeded-input",
            CauseClass::OutputLeftOn => "output-left-on",
            CauseClass::AcceptLimit => "accept-limit",
            CauseClass::Herd => "herd",
            CauseClass::ZeroTimeout => "zero-timeout",
            CauseClass::InnerInstance => "inner-instance",
            CauseClass::BusyCall => "busy-call",
            CauseClass::NotEpoll => "not-epoll",
            CauseClass::Unregistered => "unregistered",
            CauseClass::UnattendedInstance => "unattended-instance",
            CauseClass::Disarmed => "disarmed",
            CauseClass::EdgeConsumed => "edge-consumed",
            CauseClass::Masked => "masked",
            CauseClass::EventTheft => Class::EventTheft.name(),
            CauseClass::DeafSignalfd => Class::DeafSignalfd.name(),
            CauseClass::ClosedInstance => "closed-instance",
        }
    }

    /// What it is called in a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            CauseClass::Ghost(Class::ForkGhost) => "fork ghost",
            CauseClass::Ghost(Class::DupGhost) => "dup ghost",
            CauseClass::Ghost(Class::HandedOverGhost) => "handed-over ghost",
            CauseClass::Ghost(Class::InFlightGhost) => "in-flight ghost",
            CauseClass::Ghost(Class::NumberReuse) => "reused fd",
            CauseClass::Ghost(_) => "ghost",
            CauseClass::UnheededHangup => "unheeded hang-up",
            CauseClass::UnheededInput => "unheeded input",
            CauseClass::OutputLeftOn => "output left on",
            CauseClass::AcceptLimit => "accept at the fd limit",
            CauseClass::Herd => "herd",
            CauseClass::ZeroTimeout => "zero timeout",
            CauseClass::InnerInstance => "undrained inner instance",
            CauseClass::BusyCall => "busy call",
            CauseClass::NotEpoll => "not epoll: it computes",
            CauseClass::Unregistered => "unregistered input",
            CauseClass::UnattendedInstance => "unattended instance",
            CauseClass::Disarmed => "disarmed one-shot",
            CauseClass::EdgeConsumed => "edge already reported",
            CauseClass::Masked => "input masked out",
            CauseClass::EventTheft => "event theft",
            CauseClass::DeafSignalfd => "deaf signalfd",
            CauseClass::ClosedInstance => "closed instance",
        }
    }
}

impl Serialize for CauseClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
