//! The events a task handles between two waits, and those among them that are stale: their fd was closed before their
//! turn came.

use crate::verdict::Step;
use eventpoll::Fd;

/// Events of a batch beyond these are not followed.
const MAX_BATCH: usize = 512;

/// The events of the last wait whose registrations are known.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    events: Vec<Pending>,
    /// The line of the wait.
    pub(crate) line: u64,
}

/// An event of the batch.
#[derive(Debug)]
struct Pending {
    fd: Fd,
    state: State,
}

/// What has become of an event's fd since it was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// No call on its fd has been seen yet.
    Waiting,
    /// A call on its fd has been seen.
    Handled,
    /// Its fd was closed while it waited, at this step. Boxed: few events get here, and every event has a state.
    Closed(Box<Step>),
    /// The same, by another thread.
    ClosedByAnother(Box<Step>),
    /// Closed, and its fd given to another file.
    Reused(Box<Step>),
    /// Given to another file, which is registered since.
    Registered(Box<Step>),
    /// Removed with DEL before its turn: the program knows that its event is stale.
    Removed,
}

/// A call on the fd of a stale event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StaleUse {
    /// The close that made it stale.
    pub(crate) closed: Step,
    /// True if the fd named another file by then.
    pub(crate) is_reused: bool,
    /// True if that file was registered by then: the call may be its own handler's.
    pub(crate) is_registered: bool,
}

impl Batch {
    /// A wait has returned, or a new one has begun: the last batch is over.
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

    /// A call on an fd; says if that fd's event was stale.
    pub(crate) fn touch(&mut self, fd: Fd) -> Option<StaleUse> {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd)?;
        match std::mem::replace(&mut pending.state, State::Handled) {
            State::Closed(closed) | State::ClosedByAnother(closed) => {
                Some(stale(*closed, false, false))
            }
            State::Reused(closed) => Some(stale(*closed, true, false)),
            State::Registered(closed) => Some(stale(*closed, true, true)),
            State::Waiting | State::Handled | State::Removed => None,
        }
    }

    /// A DEL of an fd whose event waits: the program knows that the event is stale.
    pub(crate) fn remove(&mut self, fd: Fd) {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd);
        if let Some(pending) = pending.filter(|pending| pending.state == State::Waiting) {
            pending.state = State::Removed;
        }
    }

    /// Another thread closes an fd before its event is handled here.
    pub(crate) fn closed_by_another(&mut self, fd: Fd, step_fn: impl FnOnce() -> Step) {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd);
        if let Some(pending) = pending.filter(|pending| pending.state == State::Waiting) {
            pending.state = State::ClosedByAnother(Box::new(step_fn()));
        }
    }

    /// True if an event of this fd waits.
    pub(crate) fn waits(&self, fd: Fd) -> bool {
        let mut events = self.events.iter();
        events.any(|pending| pending.fd == fd && pending.state == State::Waiting)
    }

    /// The task closes an fd in the middle of the batch.
    ///
    /// Only an event that waits behind a handled one becomes stale by it: otherwise this close is its handler. If the
    /// fd has gone to another file since, the close may be that file's, or the stale event's handler closes a file
    /// that is not its own.
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
            State::Reused(closed) => Some(stale(*closed, true, false)),
            _ => None,
        }
    }

    /// An fd was given out again.
    pub(crate) fn reopen(&mut self, fd: Fd) {
        let Some(pending) = self.events.iter_mut().find(|pending| pending.fd == fd) else {
            return;
        };
        match &pending.state {
            State::Closed(step) => pending.state = State::Reused(step.clone()),
            // The log does not show which thread uses the new file. So its calls say nothing about this event.
            State::ClosedByAnother(_) => pending.state = State::Handled,
            _ => {}
        }
    }

    /// The new file at a stale fd is registered: a call on the fd is its own handler's, unless the file has nothing to
    /// read.
    pub(crate) fn register(&mut self, fd: Fd) {
        if let Some(pending) = self.events.iter_mut().find(|pending| pending.fd == fd) {
            pending.state = match std::mem::replace(&mut pending.state, State::Handled) {
                State::Reused(step) => State::Registered(step),
                _ => State::Handled,
            };
        }
    }
}

fn stale(closed: Step, is_reused: bool, is_registered: bool) -> StaleUse {
    StaleUse {
        closed,
        is_reused,
        is_registered,
    }
}
