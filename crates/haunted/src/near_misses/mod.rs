//! Programs that look haunted from outside: nobody may take anything from them unasked.
//!
//! ```text
//!   parent   3 instance   4 closed      waits all the time, and never sleeps
//!   child    3 instance   4 the file    uses the registration, each in its own way; or the
//!                                       parent does not mind it
//! ```
//!
//! Each looks at its registration in every round, and ends at its first loss. It says
//! `ready`, goes on until its standard input ends, and says how many rounds there were.

mod busy;
mod idle;
mod quiet;
mod scene;

use crate::showing::Fault;

/// A program that nobody may help.
#[derive(Debug)]
pub(crate) struct NearMiss {
    /// How it is called.
    pub(crate) name: &'static str,
    /// What it does, in one line.
    pub(crate) story: &'static str,
    /// Does it.
    pub(crate) run: fn() -> Result<(), Fault>,
}

/// All of them.
pub(crate) const NEAR_MISSES: &[NearMiss] = &[
    NearMiss {
        name: "waits-now-and-then",
        story: "the child sleeps, and waits on the instance between",
        run: busy::waits_now_and_then,
    },
    NearMiss {
        name: "looks-without-waiting",
        story: "the child asks for events with timeout 0, now and then",
        run: busy::looks_without_waiting,
    },
    NearMiss {
        name: "naps",
        story: "the child sleeps for a second, then looks",
        run: busy::naps,
    },
    NearMiss {
        name: "prefork",
        story: "two workers share the instance, one of them waits",
        run: busy::prefork,
    },
    NearMiss {
        name: "thread-apart",
        story: "a thread with a table of its own waits",
        run: busy::thread_apart,
    },
    NearMiss {
        name: "stopped",
        story: "the child is stopped",
        run: busy::stopped,
    },
    NearMiss {
        name: "waits",
        story: "the parent closed its copy on purpose: the child serves the file",
        run: quiet::waits,
    },
    NearMiss {
        name: "waits-through-poll",
        story: "the child waits for the instance in poll(2)",
        run: quiet::waits_through_poll,
    },
    NearMiss {
        name: "waits-through-select",
        story: "the child waits for the instance in select(2)",
        run: quiet::waits_through_select,
    },
    NearMiss {
        name: "waits-through-outer",
        story: "the child waits on another instance, which has this one",
        run: quiet::waits_through_outer,
    },
    NearMiss {
        name: "has-a-ring",
        story: "the child has an io_uring, which may wait for anything",
        run: idle::has_a_ring,
    },
    NearMiss {
        name: "added-by-child",
        story: "the child made the file and registered it",
        run: idle::added_by_child,
    },
    NearMiss {
        name: "added-in-a-gap",
        story: "the same, and its number is below one that both have",
        run: idle::added_in_a_gap,
    },
    NearMiss {
        name: "handed-over",
        story: "the child has the instance and the file from a message",
        run: idle::handed_over,
    },
    NearMiss {
        name: "before-exec",
        story: "children that have closed their copies, and have yet to exec",
        run: idle::before_exec,
    },
    NearMiss {
        name: "edge-triggered",
        story: "the parent is told once, and does not spin on it",
        run: idle::edge_triggered,
    },
    NearMiss {
        name: "not-ready",
        story: "the file has nothing to report",
        run: idle::not_ready,
    },
    NearMiss {
        name: "parent-computes",
        story: "the parent uses a core, and not for its events",
        run: idle::parent_computes,
    },
];
