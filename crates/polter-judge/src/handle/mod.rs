//! What each kind of call does to the state: the judge's handlers.

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
