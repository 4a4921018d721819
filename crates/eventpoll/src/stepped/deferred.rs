//! What a call leaves for later steps, where calls are stepped.

use crate::Events;
use crate::store::{FileId, QueueId};
use crate::wait::Limit;

/// Wake-ups, releases and queues that go away: put off in a stepped kernel,
/// so that other tasks can run before them; done on the spot in any other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deferred {
    pub(crate) is_on: bool,
    pub(crate) wakes: Vec<(QueueId, Limit, Events)>,
    /// Files whose last reference is gone.
    pub(crate) releases: Vec<FileId>,
    /// The signalfd queues of handler blocks that nobody uses any more.
    pub(crate) sighands: Vec<QueueId>,
}
