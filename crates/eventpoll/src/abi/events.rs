//! Event masks, and the event that `epoll_wait(2)` reports.

use bitflags::bitflags;
use smallvec::SmallVec;

bitflags! {
    /// A mask of `epoll_ctl(2)`'s events. Unknown bits are kept, as Linux keeps them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Events: u32 {
        /// There is data to read.
        const IN = 0x001;
        /// There is an exceptional condition.
        const PRI = 0x002;
        /// Writing will not block.
        const OUT = 0x004;
        /// An error condition; always watched.
        const ERR = 0x008;
        /// Hang-up; always watched.
        const HUP = 0x010;
        /// Not an open file: `poll(2)` only.
        const NVAL = 0x020;
        /// Normal data to read.
        const RDNORM = 0x040;
        /// Priority data to read.
        const RDBAND = 0x080;
        /// Writing normal data will not block.
        const WRNORM = 0x100;
        /// Writing priority data will not block.
        const WRBAND = 0x200;
        /// Unused by Linux.
        const MSG = 0x400;
        /// The peer has shut down its writing half.
        const RDHUP = 0x2000;
        /// One waiter among those that share a wake-up source is enough.
        const EXCLUSIVE = 1 << 28;
        /// Keep the system awake while the event is handled.
        const WAKEUP = 1 << 29;
        /// Disarm after one report.
        const ONESHOT = 1 << 30;
        /// Report a change, not a state.
        const ET = 1 << 31;
        const _ = !0;
    }
}

impl Events {
    /// The bits that steer epoll and name no readiness. Linux: `EP_PRIVATE_BITS`.
    pub const PRIVATE: Events = Events::WAKEUP
        .union(Events::ONESHOT)
        .union(Events::ET)
        .union(Events::EXCLUSIVE);

    /// What may stand beside `EXCLUSIVE`. Linux: `EPOLLEXCLUSIVE_OK_BITS`.
    pub const EXCLUSIVE_OK: Events = Events::IN
        .union(Events::OUT)
        .union(Events::ERR)
        .union(Events::HUP)
        .union(Events::WAKEUP)
        .union(Events::ET)
        .union(Events::EXCLUSIVE);

    /// What a wake-up of readers carries.
    pub const READABLE: Events = Events::IN.union(Events::RDNORM);

    /// What a wake-up of writers carries.
    pub const WRITABLE: Events = Events::OUT.union(Events::WRNORM);

    /// True if nothing but steering bits is left: a disarmed one-shot registration.
    pub fn is_disarmed(self) -> bool {
        (self - Events::PRIVATE).is_empty()
    }
}

/// One event. Linux: `struct epoll_event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EpollEvent {
    /// What to watch, or what was found.
    pub events: Events,
    /// The caller's own word, given back untouched.
    pub data: u64,
}

/// What an epoll wait reports. Most report one event, which needs no memory of its own.
pub type EventList = SmallVec<[EpollEvent; 1]>;

/// One entry of `poll(2)`. Linux: `struct pollfd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PollFd {
    /// The descriptor; a negative one is skipped.
    pub fd: crate::Fd,
    /// What to watch: the low 16 bits of the mask.
    pub events: Events,
    /// What the file's poll found of it, and `POLLERR`, `POLLHUP` and `POLLNVAL` unasked; empty
    /// before the call.
    pub revents: Events,
}
