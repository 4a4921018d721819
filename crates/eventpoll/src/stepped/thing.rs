//! Pieces of memory with a life of their own, by what lies in them.

use crate::store::{EpitemId, EpollId, FileId, QueueId, WaitId};

/// A piece of memory with a life of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// `struct file`.
    File(FileId),
    /// `struct eventpoll`, with its queues and the list head embedded in it.
    Epoll(EpollId),
    /// `struct epitem`.
    Epitem(EpitemId),
    /// `struct eppoll_entry`.
    Entry(EntryId),
    /// What a wait queue is embedded in: a signal-handler block, a pipe, an eventfd.
    Queue(QueueName),
}

/// An entry of a wait queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub(super) WaitId);

/// A wait queue: `struct wait_queue_head`, which lies inside a file's own structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(pub(super) QueueId);
