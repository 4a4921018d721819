//! Who made each file, and what it is. The worlds do not know either: every file is opaque there.

use crate::input::Made;
use eventpoll::{Fd, FileId};

/// Where a file came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) made: Made,
    /// The process that made it, or was first seen to use it.
    pub(crate) pid: u32,
    pub(crate) fd: Fd,
    /// The line it was made on; `None` if it was there before the log. With the id it tells two files apart: ids are
    /// used again.
    pub(crate) line: Option<u64>,
}

/// The labels of the files in Linux's world.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    by_file: Vec<Option<Label>>,
}

impl Labels {
    pub(crate) fn set(&mut self, file: FileId, label: Label) {
        let slot = file.slot();
        if slot >= self.by_file.len() {
            self.by_file.resize(slot + 1, None);
        }
        self.by_file[slot] = Some(label);
    }

    /// The task without a pid turns out to have one: the files it made get it.
    pub(crate) fn name_root(&mut self, pid: u32) {
        for label in self.by_file.iter_mut().flatten() {
            if label.pid == 0 {
                label.pid = pid;
            }
        }
    }

    pub(crate) fn get(&self, file: FileId) -> Option<Label> {
        *self.by_file.get(file.slot())?
    }
}
