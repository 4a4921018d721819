//! Waiting: who is told when a file changes, calls that sleep, poll(2), and the clock they sleep by.

mod blocking;
mod call;
mod clock;
mod poll;
mod wait_queue;
mod wake;

/// A task that sleeps in a call, and how long it may.
pub(crate) use blocking::{Timeout, Waiting};
/// The calls that wait, kept in their task and tried again when it is woken.
pub(crate) use call::Call;
/// Time, which passes only when the embedder says so.
pub(crate) use clock::{Alarm, Clock};
/// The waiters of each file, in the order in which they are told.
pub(crate) use wait_queue::{Limit, WaitQueues, Waiter};
