//! How values are kept: arenas of them, links between them by index, and cheap copies of the whole.
//!
//! Nothing here knows of files or epoll, but for the names of the ids.

mod arena;
mod copy;
mod ids;
mod list;
mod words;
mod written;

/// Vectors of values with `Copy` ids.
pub(crate) use arena::{Arena, Id};
pub(crate) use ids::{BufferId, DeviceId, PipeId, ProcessId, QueueId, SighandId, SocketId, WaitId};
/// One id type a table: an id of one means nothing in another.
pub use ids::{EpitemId, EpollId, Fd, FileId, Pid, TableId, Tid};
/// Doubly linked lists whose links are indices inside the values.
pub(crate) use list::{Head, Links, LinksOf};
/// States as words.
pub(crate) use words::push_long;
/// Values that remember whether they were written to since the last copy.
pub(crate) use written::{Tracked, Written};
