//! A run in words: what each step did, in the kernel's own terms.

use super::{EntryId, Finding, QueueName, Stepped, Thing};
use crate::abi::{Out, Outcome, Return};
use crate::store::{EpitemId, EpollId, FileId, WaitId};
use crate::wait::Waiter;
use crate::{EpollEvent, Errno};

/// What the steps of a run did.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// What was done, in the order of the steps.
    pub told: Vec<Told>,
    /// The calls that came to an end, in order.
    pub ended: Vec<Ended>,
    takers: Vec<usize>,
    events: Vec<(usize, EpollEvent)>,
    answers: Vec<(usize, Outcome)>,
}

/// Something a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The step, from 0; a step can do several things.
    pub step: usize,
    /// The task whose step it was, by its place among the programs.
    pub task: usize,
    /// The kernel's function; empty for a call that is one step.
    pub function: &'static str,
    /// What it did, as a clause whose subject is the function.
    pub text: String,
}

/// A call that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The step, from 0.
    pub step: usize,
    /// The task whose step it was, by its place among the programs.
    pub task: usize,
    /// What it answered to the program.
    pub outcome: Outcome,
}

impl Story {
    pub(super) fn next_step(&mut self, task: usize) {
        self.takers.push(task);
    }

    /// Who took a step.
    pub fn taker(&self, step: usize) -> Option<usize> {
        self.takers.get(step).copied()
    }

    fn step(&self) -> usize {
        self.takers.len().saturating_sub(1)
    }

    pub(super) fn event(&mut self, task: usize, event: EpollEvent) {
        self.events.push((task, event));
    }

    pub(super) fn answer(&mut self, task: usize, outcome: Outcome) {
        self.answers.retain(|(other, _)| *other != task);
        self.answers.push((task, outcome));
    }

    /// The call answers what was last said, with the events that were reported.
    pub(super) fn call_ended(&mut self, task: usize) {
        let answer = self.answers.iter().position(|(other, _)| *other == task);
        let mut outcome = answer.map_or(Outcome::Gone, |place| self.answers.remove(place).1);
        let (events, rest): (Vec<_>, Vec<_>) =
            self.events.drain(..).partition(|(other, _)| *other == task);
        self.events = rest;
        if let Outcome::Done(Ok(Return { out, value })) = &mut outcome
            && !events.is_empty()
            && *value > 0
        {
            *out = Out::Events(events.into_iter().map(|(_, event)| event).collect());
        }
        self.ended.push(Ended {
            step: self.step(),
            task,
            outcome,
        });
    }
}

impl Stepped {
    /// Writes down what a step does.
    pub(super) fn tell(&mut self, task: usize, function: &'static str, text: String) {
        if let Some(story) = &mut self.story {
            story.told.push(Told {
                step: story.step(),
                task,
                function,
                text,
            });
        }
    }

    /// The step in which something went wrong, as its last words.
    pub(super) fn tell_finding(&mut self, task: usize, finding: Finding) {
        let (function, text) = match finding {
            Finding::UseAfterFree {
                thing, function, ..
            } => (
                function,
                format!("touches {}, which is freed", self.named(thing)),
            ),
            Finding::PolledDead { file, .. } => ("vfs_poll", self.counted(file)),
            Finding::RefUnderflow { file, .. } => ("fput", self.counted(file)),
            Finding::RemovedTwice { epitem, .. } => (
                "ep_remove",
                format!("{} is removed already", self.named(epitem)),
            ),
            Finding::EpitemLeft { epitem, .. } => {
                ("file_free", format!("{} is left", self.named(epitem)))
            }
            Finding::Circle { epoll, .. } => {
                ("ep_insert", format!("{} watches itself", self.named(epoll)))
            }
            Finding::ChainTooLong { links, .. } => {
                ("ep_insert", format!("a chain of {links} links"))
            }
            _ => return,
        };
        self.tell(task, function, text);
    }

    pub(super) fn named(&self, thing: impl Into<Thing>) -> String {
        match thing.into() {
            Thing::File(file) => self.file_name(file),
            Thing::Epoll(epoll) => self.file_name(self.kernel.epolls[epoll].file),
            Thing::Epitem(epitem) => {
                let watched = &self.kernel.epitems[epitem];
                let epoll = self.file_name(self.kernel.epolls[watched.epoll].file);
                format!("epitem {} of {epoll}", watched.fd)
            }
            Thing::Entry(EntryId(entry)) => format!("the entry of {}", self.waiter_at(entry)),
            Thing::Queue(queue) => {
                let name = self.plan.queue_names.get(&queue.0);
                name.map_or_else(|| "a wait queue".to_owned(), String::clone)
            }
        }
    }

    fn file_name(&self, file: FileId) -> String {
        let name = self.plan.names.get(&file).cloned();
        name.unwrap_or_else(|| format!("a new file, {}", file.slot()))
    }

    /// `eventfd 4: count 1`.
    pub(super) fn counted(&self, file: FileId) -> String {
        let count = self.kernel.files[file].references;
        format!("{}: count {count}", self.named(file))
    }

    pub(super) fn waiter_at(&self, entry: WaitId) -> String {
        match self.kernel.waits.waiter(entry) {
            Some(Waiter::Epitem(epitem)) => self.named(epitem),
            Some(_) => "a task".to_owned(),
            None => "nobody".to_owned(),
        }
    }
}

impl From<QueueName> for Thing {
    fn from(queue: QueueName) -> Thing {
        Thing::Queue(queue)
    }
}

impl From<FileId> for Thing {
    fn from(file: FileId) -> Thing {
        Thing::File(file)
    }
}

impl From<EpollId> for Thing {
    fn from(epoll: EpollId) -> Thing {
        Thing::Epoll(epoll)
    }
}

impl From<EpitemId> for Thing {
    fn from(epitem: EpitemId) -> Thing {
        Thing::Epitem(epitem)
    }
}

impl From<Errno> for Outcome {
    fn from(errno: Errno) -> Outcome {
        Outcome::Done(Err(errno))
    }
}
