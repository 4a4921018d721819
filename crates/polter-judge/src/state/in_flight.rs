//! Messages with files that were sent and not yet received.

use eventpoll::FileId;

/// Messages with files that may be in flight at once.
pub(crate) const MAX_IN_FLIGHT: usize = 4096;

/// A message that was sent and not yet received.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) number: u64,
    /// Its files, in each world.
    pub(crate) files: Vec<Vec<Option<FileId>>>,
}
