//! The events a task handles between two waits, and those among them that are stale: their fd was closed before their
//! turn came.

use crate::verdict::Step;
use eventpoll::Fd;

/// The largest batch that is followed.
const MAX_BATCH: usize = 512;

/// The events of the last wait, as far as their numbers are known.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    events: Vec<Pending>,
    /// The line of the wait.
    pub(crate) line: u64,
}

#[derive(Debug)]
struct Pending {
    fd: Fd,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Not handled yet, as far as calls show.
    Waiting,
    /// A call on its number has been seen.
    Handled,
    /// Closed while it waited, at this step: few ever are, and every event of every task has a state.
    Closed(Box<Step>),
    /// The same, by another thread.
    ClosedByAnother(Box<Step>),
    /// Closed, and its number given to another file.
    Reused(Box<Step>),
    /// Given to another file, which is registered by now.
    Registered(Box<Step>),
    /// Removed before its turn, and closed: the program knows of it.
    Removed,
}

/// A call on the number of an event that was stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StaleUse {
    /// The close that made it stale.
    pub(crate) closed: Step,
    /// True if the number meant another file by then.
    pub(crate) is_reused: bool,
    /// True if that file was registered by then: its own handler may have been faster.
    pub(crate) is_registered: bool,
}

impl Batch {
    pub(crate) fn begin(&mut self, fds: impl Iterator<Item = Fd>, line: u64) {
        self.line = line;
        self.events.clear();
        self.events.extend(fds.take(MAX_BATCH).map(|fd| Pending {
            fd,
            state: State::Waiting,
        }));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// A call on a number; says if that number's event was stale.
    pub(crate) fn touch(&mut self, fd: Fd) -> Option<StaleUse> {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd)?;
        match std::mem::replace(&mut pending.state, State::Handled) {
            State::Closed(closed) | State::ClosedByAnother(closed) => {
                Some(stale(closed, false, false))
            }
            State::Reused(closed) => Some(stale(closed, true, false)),
            State::Registered(closed) => Some(stale(closed, true, true)),
            State::Waiting | State::Handled | State::Removed => None,
        }
    }

    /// A number is removed from the instance before its turn: what comes of its event is known to the program.
    pub(crate) fn remove(&mut self, fd: Fd) {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd);
        if let Some(pending) = pending.filter(|pending| pending.state == State::Waiting) {
            pending.state = State::Removed;
        }
    }

    /// Another thread closes a number before its event is handled here.
    pub(crate) fn closed_by_another(&mut self, fd: Fd, step_fn: impl FnOnce() -> Step) {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd);
        if let Some(pending) = pending.filter(|pending| pending.state == State::Waiting) {
            pending.state = State::ClosedByAnother(Box::new(step_fn()));
        }
    }

    /// True if an event of this number waits.
    pub(crate) fn waits(&self, fd: Fd) -> bool {
        let mut events = self.events.iter();
        events.any(|pending| pending.fd == fd && pending.state == State::Waiting)
    }

    /// A close of a number, in the middle of the batch. Only an event that
    /// waits behind one that was handled goes stale by it. If the number has
    /// gone to another file since, it may be that file's close, or the stale
    /// event's handler closing what is not its own.
    pub(crate) fn close(&mut self, fd: Fd, step_fn: impl Fn() -> Step) -> Option<StaleUse> {
        let at = self.events.iter().position(|pending| pending.fd == fd)?;
        let has_begun = self.events[..at]
            .iter()
            .any(|pending| pending.state == State::Handled);
        let pending = &mut self.events[at];
        let state = match pending.state {
            State::Waiting if has_begun => State::Closed(Box::new(step_fn())),
            State::Removed => State::Removed,
            _ => State::Handled,
        };
        match std::mem::replace(&mut pending.state, state) {
            State::Reused(closed) => Some(stale(closed, true, false)),
            _ => None,
        }
    }

    /// A number was given out again.
    pub(crate) fn reopen(&mut self, fd: Fd) {
        let Some(pending) = self.events.iter_mut().find(|pending| pending.fd == fd) else {
            return;
        };
        match &pending.state {
            State::Closed(step) => pending.state = State::Reused(step.clone()),
            // Whose it is now, only the threads know.
            State::ClosedByAnother(_) => pending.state = State::Handled,
            _ => {}
        }
    }

    /// The file of a stale number is registered: it is handled as a new one, unless it turns out to have nothing.
    pub(crate) fn register(&mut self, fd: Fd) {
        if let Some(pending) = self.events.iter_mut().find(|pending| pending.fd == fd) {
            pending.state = match std::mem::replace(&mut pending.state, State::Handled) {
                State::Reused(step) => State::Registered(step),
                _ => State::Handled,
            };
        }
    }
}

fn stale(closed: Box<Step>, is_reused: bool, is_registered: bool) -> StaleUse {
    StaleUse {
        closed: *closed,
        is_reused,
        is_registered,
    }
}
