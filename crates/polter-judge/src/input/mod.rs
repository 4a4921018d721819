//! What is read: the text of calls, what each call does to descriptors, and what was captured before the log began.

mod captured;
mod effect;
mod epoll_args;
mod flags;
mod read;
mod site;
mod text;

pub(crate) use captured::is_number;
/// What was captured before the log began.
pub use captured::{Past, PastInstance, PastName, PastProcess, PastRegistration};
pub(crate) use effect::{CtlOp, Deed, Made};
pub(crate) use epoll_args::{add, control, control_data, ctl, event_words, is_edge, number_in};
pub(crate) use flags::{CLONE_VFORK, clone_flags};
pub(crate) use read::deed;
pub(crate) use site::Place;
pub(crate) use text::{contains, fd_at, find_after, leading_int, rights};
