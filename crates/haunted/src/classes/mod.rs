//! One program a file, each with one fault and no other.

mod child_removes;
mod close_races_wait;
mod dead_epoll_fd;
mod deaf_signalfd;
mod dup_ghost;
mod epoll_as_kcmp;
mod errno_after_reuse;
mod event_theft;
mod foreign_entry;
mod fork_ghost;
mod handed_over_ghost;
mod healthy;
mod in_flight_ghost;
mod leaked_epoll;
mod number_reuse;
mod plain_fork;
mod stale_batch;
mod unheeded_event;

use crate::showing::{Fault, Linger};

/// A class of fault, and the program that has it.
#[derive(Debug)]
pub(crate) struct Class {
    /// How it is called.
    pub(crate) name: &'static str,
    /// What it shows, in one line.
    pub(crate) story: &'static str,
    /// Shows it.
    pub(crate) run: fn(&Linger) -> Result<(), Fault>,
}

/// Every class, ghosts first.
pub(crate) const CLASSES: &[Class] = &[
    Class {
        name: "fork-ghost",
        story: "closed here, still open in a forked child",
        run: fork_ghost::run,
    },
    Class {
        name: "plain-fork",
        story: "the same, and the child has the instance too",
        run: plain_fork::run,
    },
    Class {
        name: "dup-ghost",
        story: "registered through a dup that is closed",
        run: dup_ghost::run,
    },
    Class {
        name: "handed-over-ghost",
        story: "closed here, kept by the parent it came from",
        run: handed_over_ghost::run,
    },
    Class {
        name: "in-flight-ghost",
        story: "closed here, on its way in a message",
        run: in_flight_ghost::run,
    },
    Class {
        name: "number-reuse",
        story: "a ghost's event for the file that has its number now",
        run: number_reuse::run,
    },
    Class {
        name: "errno-after-reuse",
        story: "EEXIST and ENOENT for a number that came back",
        run: errno_after_reuse::run,
    },
    Class {
        name: "stale-batch",
        story: "an event's handler closes the next event's file",
        run: stale_batch::run,
    },
    Class {
        name: "child-removes",
        story: "a forked child's DEL removes the parent's registration",
        run: child_removes::run,
    },
    Class {
        name: "event-theft",
        story: "a forked child's wait takes the parent's event",
        run: event_theft::run,
    },
    Class {
        name: "foreign-entry",
        story: "a forked child registers a file its parent does not have",
        run: foreign_entry::run,
    },
    Class {
        name: "deaf-signalfd",
        story: "an inherited loop misses the child's signals",
        run: deaf_signalfd::run,
    },
    Class {
        name: "dead-epoll-fd",
        story: "a forked child waits on an instance it has closed",
        run: dead_epoll_fd::run,
    },
    Class {
        name: "leaked-epoll",
        story: "an exec'ed program holds an instance it never uses",
        run: leaked_epoll::run,
    },
    Class {
        name: "close-races-wait",
        story: "one thread closes and recycles what another waits for",
        run: close_races_wait::run,
    },
    Class {
        name: "epoll-as-kcmp",
        story: "EEXIST taken as the answer to: are these one file?",
        run: epoll_as_kcmp::run,
    },
    Class {
        name: "unheeded-event",
        story: "a hang-up reported without end, and never answered",
        run: unheeded_event::run,
    },
    Class {
        name: "healthy",
        story: "the same calls made properly",
        run: healthy::run,
    },
];
