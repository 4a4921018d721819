//! What can go wrong.

use super::{Stepped, Thing};
use crate::store::{EpitemId, EpollId, FileId};

/// Something that must not happen, and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields are who did it, and to what")]
pub enum Finding {
    /// A function looks at memory that is freed.
    UseAfterFree {
        task: usize,
        thing: Thing,
        function: &'static str,
    },
    /// A file is polled after its count was zero.
    PolledDead { task: usize, file: FileId },
    /// A reference is dropped that nobody holds.
    RefUnderflow { task: usize, file: FileId },
    /// An epitem is removed by two tasks: DEL and release do not exclude each other.
    RemovedTwice { task: usize, epitem: EpitemId },
    /// A file is freed while an epitem watches it.
    EpitemLeft {
        task: usize,
        file: FileId,
        epitem: EpitemId,
    },
    /// An ADD has closed a circle of instances.
    Circle { task: usize, epoll: EpollId },
    /// An ADD has made a chain of instances that is too long.
    ChainTooLong { task: usize, links: u32 },
    /// Functions call each other without end.
    StackExhausted { task: usize },
    /// A task sleeps, and there is something to report.
    LostWakeup { task: usize, epitem: EpitemId },
    /// Tasks wait for each other's locks.
    Deadlock { task: usize },
    /// Nobody holds it any more, and it was not freed.
    NotFreed { thing: Thing },
    /// A signal ends a task in the middle of a call: that is not stepped.
    Unsuitable { task: usize },
}

impl Finding {
    /// A short name, for programs.
    pub fn kind(self) -> &'static str {
        match self {
            Finding::UseAfterFree { .. } => "use-after-free",
            Finding::PolledDead { .. } => "polled-dead-file",
            Finding::RefUnderflow { .. } => "reference-underflow",
            Finding::RemovedTwice { .. } => "removed-twice",
            Finding::EpitemLeft { .. } => "epitem-left",
            Finding::Circle { .. } => "circle",
            Finding::ChainTooLong { .. } => "chain-too-long",
            Finding::StackExhausted { .. } => "stack-exhausted",
            Finding::LostWakeup { .. } => "lost-wakeup",
            Finding::Deadlock { .. } => "deadlock",
            Finding::NotFreed { .. } => "not-freed",
            Finding::Unsuitable { .. } => "unsuitable",
        }
    }
}

impl Stepped {
    /// The finding in one sentence.
    pub fn explain(&self, finding: Finding) -> String {
        let who = |task: usize| format!("task {}", self.plan.pids[task]);
        match finding {
            Finding::UseAfterFree {
                task,
                thing,
                function,
            } => {
                let memory = match thing {
                    Thing::File(_) => "struct file",
                    Thing::Epoll(_) => "struct eventpoll",
                    Thing::Epitem(_) => "struct epitem",
                    Thing::Entry(_) => "struct eppoll_entry",
                    Thing::Queue(_) => "what holds the wait queue",
                };
                format!(
                    "Use after free: in {function}(), {} touches {}, whose memory ({memory}) is freed.",
                    who(task),
                    self.named(thing)
                )
            }
            Finding::PolledDead { task, file } => format!(
                "Poll of a dying file: {} polls {}, whose last reference is gone.",
                who(task),
                self.named(file)
            ),
            Finding::RefUnderflow { task, file } => format!(
                "A reference too many is dropped: {} drops one on {}, which has none.",
                who(task),
                self.named(file)
            ),
            Finding::RemovedTwice { task, epitem } => format!(
                "Removed twice: {} removes {}, which another task has removed.",
                who(task),
                self.named(epitem)
            ),
            Finding::EpitemLeft { task, file, epitem } => format!(
                "An epitem outlives its file: {} frees {}, which {} still watches.",
                who(task),
                self.named(file),
                self.named(epitem)
            ),
            Finding::Circle { task, epoll } => format!(
                "A circle: {} has made {} watch itself, through others.",
                who(task),
                self.named(epoll)
            ),
            Finding::ChainTooLong { task, links } => format!(
                "Unbounded recursion: {} has made a chain of instances with {links} links or more; \
                 4 are allowed.",
                who(task)
            ),
            Finding::StackExhausted { task } => format!(
                "Unbounded recursion: {} has run out of kernel stack.",
                who(task)
            ),
            Finding::LostWakeup { task, epitem } => format!(
                "A lost wake-up: {} sleeps in epoll_wait, and {} has something to report.",
                who(task),
                self.named(epitem)
            ),
            Finding::Deadlock { task } => {
                format!(
                    "Deadlock: {} waits for a lock that is never dropped.",
                    who(task)
                )
            }
            Finding::NotFreed { thing } => format!(
                "A leak: {} is held by nobody, and was never freed.",
                self.named(thing)
            ),
            Finding::Unsuitable { task } => format!(
                "{} is ended by a signal in the middle of a call: that is not stepped.",
                who(task)
            ),
        }
    }
}
