//! When nobody can go on: is anybody stuck, asleep in vain, or anything left?

use super::frame::Frame;
use super::{Finding, Stepped, Thing};
use crate::epoll::Epitem;
use crate::fs::FileKind;
use crate::store::Id;
use crate::store::{EpitemId, EpollId, FileId, QueueId, Tid};
use crate::wait::Waiter;
use crate::{Events, Kernel};

impl Stepped {
    /// What is wrong with a state in which no task can go on.
    pub fn ending(&self) -> Option<Finding> {
        let stuck = self
            .runners
            .iter()
            .position(|runner| match runner.stack.last() {
                None => false,
                // A sleeper is not stuck: whether it sleeps in vain is the next question.
                Some(Frame::Wait(wait)) => !wait.is_asleep(),
                Some(_) => true,
            });
        if let Some(task) = stuck {
            return Some(Finding::Deadlock { task });
        }
        self.slept_through().or_else(|| self.left_over())
    }

    /// A task that sleeps while its instance has something to report.
    fn slept_through(&self) -> Option<Finding> {
        let mut kernel = None;
        for (task, runner) in self.runners.iter().enumerate() {
            let Some(Frame::Wait(wait)) = runner.stack.last() else {
                continue;
            };
            // On a copy: polling an instance takes epitems that are not ready off its list.
            let kernel = kernel.get_or_insert_with(|| self.kernel.clone());
            let (epoll, tid) = (wait.epoll(), runner.tid?);
            let mut epitems = self.kernel.epitems_of(epoll).into_iter();
            if let Some(epitem) = epitems.find(|epitem| self.is_due(kernel, *epitem, tid)) {
                return Some(Finding::LostWakeup { task, epitem });
            }
        }
        None
    }

    /// The epitem should have been reported to a waiter.
    fn is_due(&self, kernel: &mut Kernel, epitem: EpitemId, tid: Tid) -> bool {
        let Epitem { events, file, .. } = self.kernel.epitems[epitem];
        let is_live = self.kernel.files[file].references > 0;
        let is_signalfd = matches!(self.kernel.files[file].kind, FileKind::Signalfd { .. });
        if events.is_disarmed() || !is_live || is_signalfd && !self.is_listed(epitem) {
            return false;
        }
        if !kernel_says(kernel, file, tid).intersects(events) {
            return false;
        }
        if self.is_listed(epitem) || events.contains(Events::EXCLUSIVE) {
            // An exclusive one may have been told to somebody else.
            return self.is_listed(epitem) || self.is_untold(file);
        }
        !events.contains(Events::ET) || self.has_edge(epitem)
    }

    fn is_listed(&self, epitem: EpitemId) -> bool {
        self.kernel.epitems[epitem].is_ready
    }

    /// No exclusive epitem of the file was polled since it changed.
    fn is_untold(&self, file: FileId) -> bool {
        let exclusive = |epitem: &EpitemId| {
            let events = self.kernel.epitems[*epitem].events;
            events.contains(Events::EXCLUSIVE)
        };
        let mut told = self.watchers(file).filter(exclusive);
        told.all(|epitem| self.has_edge(epitem))
    }

    /// A file, an instance or an epitem that nobody holds, and that is there.
    fn left_over(&self) -> Option<Finding> {
        for (file, state) in self.kernel.files.iter() {
            let thing = Thing::File(file);
            if state.references == 0 && !self.ledger.memory.is_freed(thing) {
                return Some(Finding::NotFreed { thing });
            }
        }
        for (epoll, state) in self.kernel.epolls.iter() {
            let thing = Thing::Epoll(epoll);
            let is_closed = self.ledger.memory.is_freed(Thing::File(state.file));
            if is_closed && !self.ledger.memory.is_freed(thing) {
                return Some(Finding::NotFreed { thing });
            }
        }
        for (epitem, state) in self.kernel.epitems.iter() {
            let thing = Thing::Epitem(epitem);
            let of = [Thing::File(state.file), Thing::Epoll(state.epoll)];
            let is_lost = of
                .into_iter()
                .any(|thing| self.ledger.memory.is_freed(thing));
            if is_lost && !self.ledger.memory.is_freed(thing) {
                return Some(Finding::NotFreed { thing });
            }
        }
        None
    }

    /// A file has changed: who watches it must look again.
    pub(super) fn note_edges(&mut self, queue: QueueId, key: Events) {
        let waiters: Vec<Waiter> = self.kernel.waits.waiters(queue).collect();
        for waiter in waiters {
            if let Waiter::Epitem(epitem) = waiter {
                let events = self.kernel.epitems[epitem].events;
                let is_wanted = key.is_empty() || key.intersects(events);
                if is_wanted && !events.is_disarmed() {
                    self.set_edge(epitem, true);
                }
            }
        }
    }

    pub(super) fn set_edge(&mut self, epitem: EpitemId, is_set: bool) {
        // An epitem after the 64th has no bit. A lost edge of it would not be found.
        let bit = 1_u64.checked_shl(epitem.index()).unwrap_or(0);
        self.ledger.edges = if is_set {
            self.ledger.edges | bit
        } else {
            self.ledger.edges & !bit
        };
    }

    fn has_edge(&self, epitem: EpitemId) -> bool {
        let bit = 1_u64.checked_shl(epitem.index()).unwrap_or(0);
        self.ledger.edges & bit != 0
    }
}

/// What a file would say to a poll now; an instance is not tidied up by it.
fn kernel_says(kernel: &mut Kernel, file: FileId, tid: Tid) -> Events {
    match kernel.files[file].kind {
        FileKind::Epoll(epoll) => instance_says(kernel, epoll, tid),
        _ => kernel.poll_file(file, tid),
    }
}

fn instance_says(kernel: &mut Kernel, epoll: EpollId, tid: Tid) -> Events {
    let ready: Vec<_> = kernel.epolls[epoll].ready.iter().collect();
    for epitem in ready {
        let Epitem { file, events, .. } = kernel.epitems[epitem];
        let is_live = kernel.files[file].references > 0;
        if is_live && kernel_says(kernel, file, tid).intersects(events) {
            return Events::READABLE;
        }
    }
    Events::empty()
}
