//! The supervisor's view of the shared region.

use super::layout::{Address, BASE, REGION_LEN};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

/// The shared memory, addressed as the workers see it.
///
/// A worker may write while the supervisor reads; the protocol of
/// [`layout`](super::layout)'s `STATE` keeps them apart, and no value read
/// here can break anything but the result it belongs to.
#[derive(Debug)]
pub(crate) struct Region {
    start: NonNull<u8>,
    memory: OwnedFd,
}

impl Region {
    /// Makes the memory, all zero, and maps it.
    pub(crate) fn new() -> io::Result<Region> {
        let memory = super::memfd(c"polter-region", false)?;
        super::set_len(&memory, REGION_LEN)?;
        let start = super::map_shared(&memory, REGION_LEN as usize)?;
        Ok(Region { start, memory })
    }

    /// The number of the file that a worker maps.
    pub(crate) fn raw_fd(&self) -> i32 {
        self.memory.as_raw_fd()
    }

    /// The 32-bit word at an address, to be shared.
    pub(crate) fn word(&self, at: Address) -> &AtomicU32 {
        assert!(at.0.is_multiple_of(4));
        let word = self.pointer(at, 4).cast::<AtomicU32>();
        // SAFETY: in bounds and aligned (both checked), mapped while
        // `self` lives, and only ever used as an atomic word.
        unsafe { word.as_ref() }
    }

    /// Copies bytes to a worker.
    pub(crate) fn write(&self, at: Address, bytes: &[u8]) {
        let to = self.pointer(at, bytes.len());
        // SAFETY: `pointer` has checked the bounds; `bytes` is not in the region.
        unsafe { to.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) }
    }

    /// Fills bytes of a worker.
    pub(crate) fn fill(&self, at: Address, byte: u8, len: usize) {
        let to = self.pointer(at, len);
        // SAFETY: `pointer` has checked the bounds.
        unsafe { to.write_bytes(byte, len) }
    }

    /// Copies bytes from a worker.
    pub(crate) fn read<const N: usize>(&self, at: Address) -> [u8; N] {
        let mut bytes = [0; N];
        let from = self.pointer(at, N);
        // SAFETY: `pointer` has checked the bounds; `bytes` is not in the region.
        unsafe { from.copy_to_nonoverlapping(NonNull::from(&mut bytes).cast(), N) }
        bytes
    }

    fn pointer(&self, at: Address, len: usize) -> NonNull<u8> {
        let offset = at.0.checked_sub(BASE).expect("an address in the region") as usize;
        assert!(offset + len <= REGION_LEN as usize);
        // SAFETY: within the mapping, as just checked.
        unsafe { self.start.add(offset) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        super::unmap(self.start, REGION_LEN as usize);
    }
}
