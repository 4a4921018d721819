//! What is read: the text of calls, what each call does to descriptors, and what was captured before the log began.

mod captured;
mod channel;
mod effect;
mod epoll_args;
mod flags;
mod past_text;
mod read;
mod recorder;
mod site;
mod text;

pub(crate) use captured::is_fd;
/// What was captured before the log began.
pub use captured::{Past, PastInstance, PastName, PastProcess, PastRegistration};
/// Who is at the other end of a signal, a pipe or a socket.
pub(crate) use channel::{channel, sender};
/// What a call does to descriptors, as a value.
pub(crate) use effect::{Ctl, CtlOp, Effect, Made};
/// The arguments of epoll's calls.
pub(crate) use epoll_args::{control_data, ctl_args, ctl_call, event_words, fd_in_data, is_edge};
/// The flags of a clone.
pub(crate) use flags::{CLONE_VFORK, clone_flags};
/// What was captured, as comments at the head of a recording.
pub(crate) use past_text::PastReader;
/// From the text of a call to its effect.
pub(crate) use read::effect_of;
/// The events that a recorder says it has lost.
pub(crate) use recorder::{is_recorders, lost_events};
/// A call and where it stands in the log.
pub(crate) use site::Place;
/// Numbers and words in arguments.
pub(crate) use text::{contains, fd_at, rights};
