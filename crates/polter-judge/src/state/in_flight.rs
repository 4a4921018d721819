//! Messages with files that were sent and not yet received.

use eventpoll::FileId;

/// Most messages with files in flight; then the oldest counts as lost.
pub(crate) const MAX_IN_FLIGHT: usize = 4096;

/// A message that was sent and not yet received.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: u64,
    /// The socket that it was sent through, the same for both of its ends, if the log names it.
    pub(crate) channel: Option<u64>,
    /// Its files, in each world.
    pub(crate) files: Vec<Vec<Option<FileId>>>,
}
