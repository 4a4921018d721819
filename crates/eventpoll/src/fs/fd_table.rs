//! Descriptor tables: the fds of one or more tasks, and the files they name.

use crate::store::{Fd, FileId, TableId};

/// The largest table a process can have. Linux: `sysctl_nr_open`.
pub const NR_OPEN: u64 = 1 << 20;

/// The fds and what they name. Linux: `struct files_struct`.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct FdTable {
    slots: Vec<Option<Slot>>,
    /// A bit for each slot, set if it is filled. Linux: `open_fds`.
    filled: Vec<u64>,
    /// No fd below this one is free. Linux: `next_fd`.
    lowest_free_hint: usize,
    /// The tasks that use the table. Linux: `files->count`.
    pub(crate) users: u32,
    /// The epitems added through it. While there are any, its id is not
    /// used again, or another table would pass for their owner.
    pub(crate) epitems: u32,
}

/// What one fd names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) file: FileId,
    pub(crate) is_cloexec: bool,
    /// Copied from another table by fork or unshare, not opened, duplicated
    /// from an opened one, or received here. Only policies look at it.
    pub(crate) is_inherited: bool,
}

impl Clone for FdTable {
    fn clone(&self) -> FdTable {
        FdTable {
            slots: self.slots.clone(),
            filled: self.filled.clone(),
            ..*self
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, source: &FdTable) {
        let FdTable { slots, filled, .. } = self;
        let (mut slots, mut filled) = (std::mem::take(slots), std::mem::take(filled));
        slots.clone_from(&source.slots);
        filled.clone_from(&source.filled);
        *self = FdTable {
            slots,
            filled,
            ..*source
        };
    }
}

impl FdTable {
    /// An empty table with one user.
    pub(crate) fn new() -> FdTable {
        FdTable {
            users: 1,
            ..FdTable::default()
        }
    }

    #[inline]
    pub(crate) fn slot(&self, fd: Fd) -> Option<&Slot> {
        self.slots.get(usize::try_from(fd.0).ok()?)?.as_ref()
    }

    #[inline]
    pub(crate) fn file(&self, fd: Fd) -> Option<FileId> {
        Some(self.slot(fd)?.file)
    }

    pub(crate) fn slot_mut(&mut self, fd: Fd) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(fd.0).ok()?)?.as_mut()
    }

    /// The lowest free fd from `from` on. Linux: `alloc_fd`.
    #[inline]
    pub(crate) fn lowest_free(&self, from: usize) -> usize {
        let from = from.max(self.lowest_free_hint);
        let Some(first) = self.filled.get(from / 64) else {
            return from;
        };
        // The bits below `from` count as filled.
        let first = first | ((1 << (from % 64)) - 1);
        if first != u64::MAX {
            return from / 64 * 64 + first.trailing_ones() as usize;
        }
        let rest = &self.filled[from / 64 + 1..];
        let word = rest
            .iter()
            .position(|word| *word != u64::MAX)
            .unwrap_or(rest.len());
        let bit = rest
            .get(word)
            .map_or(0, |word| word.trailing_ones() as usize);
        (from / 64 + 1 + word) * 64 + bit
    }

    /// Fills a free slot.
    #[inline]
    pub(crate) fn install(&mut self, fd: usize, slot: Slot) {
        if fd >= self.slots.len() {
            self.slots.resize(fd + 1, None);
            self.filled.resize(fd / 64 + 1, 0);
        }
        debug_assert!(
            self.slots[fd].is_none(),
            "a slot is cleared before it is filled"
        );
        self.slots[fd] = Some(slot);
        self.filled[fd / 64] |= 1 << (fd % 64);
        if fd == self.lowest_free_hint {
            self.lowest_free_hint = fd + 1;
        }
    }

    /// Clears a slot and gives what it named.
    #[inline]
    pub(crate) fn clear(&mut self, fd: Fd) -> Option<Slot> {
        let index = usize::try_from(fd.0).ok()?;
        let slot = self.slots.get_mut(index)?.take()?;
        self.filled[index / 64] &= !(1 << (index % 64));
        self.lowest_free_hint = self.lowest_free_hint.min(index);
        Some(slot)
    }

    /// Gives the memory of an emptied table back.
    pub(crate) fn shrink(&mut self) {
        self.slots = Vec::new();
        self.filled = Vec::new();
        self.lowest_free_hint = 0;
    }

    /// The open fds, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Fd, &Slot)> {
        let numbered = self.slots.iter().enumerate();
        numbered.filter_map(|(fd, slot)| Some((Fd(fd as i32), slot.as_ref()?)))
    }

    /// The bits say what the slots say, and nothing below the hint is free.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (fd, slot) in self.slots.iter().enumerate() {
            let is_filled = self.filled[fd / 64] & (1 << (fd % 64)) != 0;
            if is_filled != slot.is_some() || slot.is_none() && fd < self.lowest_free_hint {
                return Err(format!("slot {fd} is not what the bits say"));
            }
        }
        Ok(())
    }

    /// One past the highest fd that was ever open.
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// A copy for another user, of the slots `keep_fn` keeps, each marked as inherited.
    /// Linux: `dup_fd`.
    pub(crate) fn copy(&self, mut keep_fn: impl FnMut(Fd, FileId) -> bool) -> FdTable {
        let mut copy = FdTable::new();
        for (fd, slot) in self.iter() {
            if keep_fn(fd, slot.file) {
                copy.install(
                    fd.0 as usize,
                    Slot {
                        is_inherited: true,
                        ..*slot
                    },
                );
            }
        }
        copy
    }
}

/// Somebody who keeps a file alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A slot of a table.
    Slot {
        /// The table; its process or processes are not named here.
        table: TableId,
        /// The fd in it.
        fd: Fd,
    },
    /// A message in a socket's queue (`SCM_RIGHTS`).
    InFlight,
    /// The fixed files of an io_uring.
    Ring,
    /// A system call under way.
    Call,
}
