//! Waiting: who is told when a file changes, calls that sleep, poll(2), and the clock they sleep by.

mod blocking;
mod clock;
mod poll;
mod wait_queue;

/// A call that sleeps, kept in its task and tried again when it is woken.
pub(crate) use blocking::{Call, Patience, Waiting};
/// Time, which passes only when the embedder says so.
pub(crate) use clock::{Alarm, Clock};
/// The waiters of each file, in the order in which they are told.
pub(crate) use wait_queue::{Limit, WaitQueues, Waiter};
