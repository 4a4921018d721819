//! The memory of a process that lives, read while it runs on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// `/proc/PID/mem`, of the program that ran when it was opened: after an exec nothing can be read.
#[derive(Debug)]
pub(crate) struct Memory(File);

impl Memory {
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        Ok(Self(File::open(format!("/proc/{pid}/mem"))?))
    }

    /// Reads so many bytes; nothing if one of them is not there.
    pub(crate) fn bytes(&self, address: u64, size: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.0.read_exact_at(&mut bytes, address).ok()?;
        Some(bytes)
    }

    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        self.array(address).map(u64::from_le_bytes)
    }

    pub(crate) fn half(&self, address: u64) -> Option<u32> {
        self.array(address).map(u32::from_le_bytes)
    }

    pub(crate) fn byte(&self, address: u64) -> Option<u8> {
        self.array(address).map(u8::from_le_bytes)
    }

    fn array<const SIZE: usize>(&self, address: u64) -> Option<[u8; SIZE]> {
        let mut bytes = [0; SIZE];
        self.0.read_exact_at(&mut bytes, address).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
impl From<File> for Memory {
    /// Takes a file for a memory.
    fn from(file: File) -> Self {
        Self(file)
    }
}
