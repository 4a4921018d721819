//! What each kind of call does to the state. Each file adds its handlers to [`Judge`](crate::Judge).
//!
//! `calls` finds the handler of a call. A handler changes the worlds and the state, and tells the detectors.

mod assumed;
mod calls;
mod captured;
mod closes;
mod control;
mod deferred;
mod descriptors;
mod heed;
mod messages;
mod process_events;
mod rings;
mod wait_events;

/// An `epoll_ctl`, as the detectors get it.
pub(crate) use control::Control;
