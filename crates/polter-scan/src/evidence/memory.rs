//! What a sleeping call's arguments point to, in another process's memory.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

/// Entries of a `poll(2)` that are read; a call with more counts as unknown.
const MAX_POLLED: u64 = 4096;

/// Fds that a `select(2)` can wait for under any kernel's default limit.
const MAX_SELECTED: u64 = 1 << 16;

/// Another process's memory, by its `mem` file.
pub(super) struct Memory(pub(super) File);

impl Memory {
    fn read<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }

    /// The `timespec` at an address; `None` if the pointer is null, or the memory cannot be read.
    pub(super) fn span(&self, at: u64) -> Option<Duration> {
        if at == 0 {
            return None;
        }
        let bytes: [u8; 16] = self.read(at)?;
        let (seconds, nanoseconds) = bytes.split_at(8);
        let integer = |bytes: &[u8]| bytes.try_into().map(i64::from_ne_bytes).ok();
        let seconds = u64::try_from(integer(seconds)?).ok()?;
        let nanoseconds = u32::try_from(integer(nanoseconds)?).ok()?;
        Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds.into())))
    }

    /// The fds of a `poll(2)`'s array of `pollfd`; `None` if they cannot be read.
    pub(super) fn polled(&self, args: &[u64; 6]) -> Option<Vec<i32>> {
        let (array, count) = (args[0], u64::from(args[1] as u32));
        if count > MAX_POLLED {
            return None;
        }
        let fd = |at: u64| {
            let bytes: [u8; 4] = self.read(array.checked_add(8 * at)?)?;
            Some(i32::from_ne_bytes(bytes))
        };
        (0..count).map(fd).collect()
    }

    /// The fds in a `select(2)`'s three `fd_set`s, ascending; `None` if they cannot be read.
    pub(super) fn selected(&self, args: &[u64; 6]) -> Option<Vec<i32>> {
        let bound = u64::from(args[0] as u32);
        if bound > MAX_SELECTED {
            return None;
        }
        let mut selected = std::collections::BTreeSet::new();
        for set in args[1..4].iter().filter(|set| **set != 0) {
            for at in 0..bound.div_ceil(8) {
                let [byte] = self.read(set.checked_add(at)?)?;
                let bits = (0..8_u64).filter(|bit| byte & (1 << bit) != 0);
                selected.extend(bits.map(|bit| (8 * at + bit) as i32));
            }
        }
        Some(selected.into_iter().collect())
    }

    /// True if one of the fds is in one of a `select(2)`'s three `fd_set`s; `None` if they cannot
    /// be read.
    pub(super) fn selects(&self, args: &[u64; 6], fds: &[i32]) -> Option<bool> {
        let bound = u64::from(args[0] as u32);
        if bound > MAX_SELECTED {
            return None;
        }
        let inside = fds.iter().filter_map(|fd| u64::try_from(*fd).ok());
        let inside: Vec<u64> = inside.filter(|fd| *fd < bound).collect();
        let sets = args[1..4].iter().filter(|set| **set != 0);
        for set in sets {
            for fd in &inside {
                let [byte] = self.read(set.checked_add(fd / 8)?)?;
                if byte & (1 << (fd % 8)) != 0 {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}
