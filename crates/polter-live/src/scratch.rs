//! The memory of one call: what its pointers point to.

use crate::error::ExecutorError;
use crate::sys::Region;
use crate::sys::layout::{Address, GUARD, LARGE, SMALL, SMALL_END, STACK_TOP, STRIDE, Slot};
use std::ffi::CStr;

/// A task's data area, given out from its start for each call anew.
///
/// What fits goes to the page that the worker touches anyway.
#[derive(Debug)]
pub(crate) struct Scratch<'a> {
    region: &'a Region,
    slot: Slot,
    small: u64,
    large: u64,
    needs_guard: bool,
}

impl<'a> Scratch<'a> {
    /// All of a slot's memory.
    pub(crate) fn new(region: &'a Region, slot: Slot) -> Scratch<'a> {
        Scratch {
            region,
            slot,
            small: SMALL,
            large: LARGE,
            needs_guard: false,
        }
    }

    /// Copies bytes in.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<Address, ExecutorError> {
        let at = self.reserve(bytes.len() as u64)?;
        self.region.write(at, bytes);
        Ok(at)
    }

    /// Copies a string in, with its NUL.
    pub(crate) fn put_str(&mut self, text: &CStr) -> Result<Address, ExecutorError> {
        self.put(text.to_bytes_with_nul())
    }

    /// Copies 64-bit words in.
    pub(crate) fn put_words(&mut self, words: &[u64]) -> Result<Address, ExecutorError> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.put(&bytes)
    }

    /// Copies 32-bit numbers in.
    pub(crate) fn put_ints(&mut self, ints: &[i32]) -> Result<Address, ExecutorError> {
        let bytes: Vec<u8> = ints.iter().flat_map(|int| int.to_ne_bytes()).collect();
        self.put(&bytes)
    }

    /// So many bytes of one value, after some others.
    pub(crate) fn put_filler(&mut self, first: &[u8], len: u64) -> Result<Address, ExecutorError> {
        let at = self.reserve(len)?;
        self.region.fill(at, b'x', len as usize);
        let first = &first[..first.len().min(len as usize)];
        self.region.write(at, first);
        Ok(at)
    }

    /// Room for a result; zero if it is small.
    pub(crate) fn reserve(&mut self, len: u64) -> Result<Address, ExecutorError> {
        if len <= SMALL_END - self.small {
            let at = self.slot.at(self.small);
            self.small += len.next_multiple_of(8);
            self.region.fill(at, 0, len as usize);
            return Ok(at);
        }
        if len > STRIDE - self.large {
            return Err(ExecutorError::NotAvailable("more than 3 MiB for one call"));
        }
        let at = self.slot.at(self.large);
        self.large += len.next_multiple_of(8);
        Ok(at)
    }

    /// Room for so many bytes, and nothing mapped behind it.
    pub(crate) fn before_guard(&mut self, len: u64) -> Result<Address, ExecutorError> {
        if len > GUARD - STACK_TOP {
            return Err(ExecutorError::NotAvailable("so much room before a fault"));
        }
        self.needs_guard = true;
        Ok(self.slot.at(GUARD - len))
    }

    /// Must the guard page be unmapped before the call?
    pub(crate) fn needs_guard(&self) -> bool {
        self.needs_guard
    }
}
