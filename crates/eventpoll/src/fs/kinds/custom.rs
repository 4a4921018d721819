//! Files of an embedder's own kind.

use crate::Events;
use std::fmt;

/// A kind of file that an embedder brings along.
///
/// The kernel asks it what it is ready for; the embedder tells the kernel
/// when that changes, with [`Kernel::change_custom`](crate::Kernel::change_custom).
pub trait CustomFile: fmt::Debug + Send + Sync {
    /// What the file is ready for now. Linux: `file_operations::poll`.
    fn poll(&self) -> Events;

    /// A copy, for a copy of the whole kernel.
    fn clone_file(&self) -> Box<dyn CustomFile>;

    /// Something that differs between files in different states, for hashes
    /// of the whole kernel.
    fn fingerprint(&self) -> u64;

    /// For access to the concrete type.
    fn as_any_mut(&mut self) -> &mut dyn std::any::Any;
}

impl Clone for Box<dyn CustomFile> {
    fn clone(&self) -> Self {
        self.clone_file()
    }
}

impl std::hash::Hash for Box<dyn CustomFile> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fingerprint().hash(state);
    }
}
