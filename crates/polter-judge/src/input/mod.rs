//! What is read: the text of calls, what each call does to descriptors, and what was captured before the log began.

mod captured;
mod effect;
mod epoll_args;
mod flags;
mod read;
mod site;
mod text;

pub(crate) use captured::is_fd;
/// What was captured before the log began.
pub use captured::{Past, PastInstance, PastName, PastProcess, PastRegistration};
pub(crate) use effect::{CtlOp, Effect, Made};
pub(crate) use epoll_args::{add, control, control_data, ctl, event_words, fd_in_data, is_edge};
pub(crate) use flags::{CLONE_VFORK, clone_flags};
pub(crate) use read::effect_of;
pub(crate) use site::Place;
pub(crate) use text::{contains, fd_at, find_after, leading_int, rights};
