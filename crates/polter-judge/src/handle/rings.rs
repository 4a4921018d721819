//! The fixed files of io_urings.

use crate::judge::Judge;
use eventpoll::{Fd, FileId, Tid};

/// Most files that all rings together hold.
const MAX_IN_RINGS: usize = 1 << 16;

impl Judge {
    /// Gives a ring fixed files, in place of those it had. The new ones are held first: a file can be in both lists.
    pub(super) fn registered_in_ring(&mut self, tid: Tid, ring: Fd, fds: &[Fd]) {
        let Some(ring) = self.ensure_open(tid, ring) else {
            return;
        };
        let held: usize = self.in_rings.iter().map(|(_, files)| files.len()).sum();
        if held + fds.len() > MAX_IN_RINGS {
            let line = self.line;
            return self.findings.warn(line, 0, || {
                format!("more than {MAX_IN_RINGS} files in rings; new ones are left out")
            });
        }
        let mut files = Vec::new();
        for fd in fds {
            if self.ensure_open(tid, *fd).is_some() {
                let file = self.worlds.files_at(tid, *fd);
                self.worlds.each_with(&file, eventpoll::Kernel::hold);
                files.push(file);
            }
        }
        self.drop_held_by(|held_by, _| held_by == ring);
        if !files.is_empty() {
            self.in_rings.push((ring, files));
        }
        self.sweep_ghosts();
    }

    /// Releases the files of rings that have no reference left.
    pub(super) fn drop_held_by_rings(&mut self) {
        if !self.in_rings.is_empty() {
            self.drop_held_by(|ring, base| base.references(ring) == 0);
        }
    }

    fn drop_held_by(&mut self, drop_fn: impl Fn(FileId, &eventpoll::Kernel) -> bool) {
        let base = self.worlds.base();
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.in_rings)
            .into_iter()
            .partition(|(ring, _)| drop_fn(*ring, base));
        self.in_rings = kept;
        if !gone.is_empty() {
            self.policy_removals.require_full_scan();
        }
        for files in gone.into_iter().flat_map(|(_, files)| files) {
            self.worlds.each_with(&files, eventpoll::Kernel::unhold);
        }
    }
}
