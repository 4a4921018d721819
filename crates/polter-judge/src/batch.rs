//! The batch a task works off between two waits, and events in it that went
//! stale: whose descriptor was closed before they were handled.

use crate::verdict::Step;
use eventpoll::Fd;

/// The events of the last wait, as far as their numbers are known.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    events: Vec<Pending>,
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
    /// Closed while it waited, at this step.
    Closed(Step),
    /// Closed, and its number given to another file.
    Reused(Step),
}

/// A call on the number of an event that was stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StaleUse {
    /// The close that made it stale.
    pub(crate) closed: Step,
    /// True if the number meant another file by then.
    pub(crate) is_reused: bool,
}

/// The largest batch that is followed.
const MAX_BATCH: usize = 512;

impl Batch {
    pub(crate) fn begin(&mut self, fds: impl Iterator<Item = Fd>) {
        self.events.clear();
        self.events.extend(fds.take(MAX_BATCH).map(|fd| Pending {
            fd,
            state: State::Waiting,
        }));
        // With one event there is no order to get wrong.
        if self.events.len() < 2 {
            self.events.clear();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// A call on a number; says if that number's event was stale.
    pub(crate) fn touch(&mut self, fd: Fd) -> Option<StaleUse> {
        let pending = self.events.iter_mut().find(|pending| pending.fd == fd)?;
        match std::mem::replace(&mut pending.state, State::Handled) {
            State::Closed(closed) => Some(StaleUse {
                closed,
                is_reused: false,
            }),
            State::Reused(closed) => Some(StaleUse {
                closed,
                is_reused: true,
            }),
            State::Waiting | State::Handled => None,
        }
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
            State::Waiting if has_begun => State::Closed(step_fn()),
            _ => State::Handled,
        };
        match std::mem::replace(&mut pending.state, state) {
            State::Reused(closed) => Some(StaleUse {
                closed,
                is_reused: true,
            }),
            _ => None,
        }
    }

    /// A number was given out again.
    pub(crate) fn reopen(&mut self, fd: Fd) {
        if let Some(pending) = self.events.iter_mut().find(|pending| pending.fd == fd)
            && let State::Closed(step) = &pending.state
        {
            pending.state = State::Reused(step.clone());
        }
    }

    /// The file of a stale number is registered: it is handled as a new one.
    pub(crate) fn register(&mut self, fd: Fd) {
        if let Some(pending) = self.events.iter_mut().find(|pending| pending.fd == fd) {
            pending.state = State::Handled;
        }
    }
}
