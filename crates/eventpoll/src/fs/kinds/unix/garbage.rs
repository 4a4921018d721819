//! Queues that only each other hold: what `unix_gc` finds.

use crate::Kernel;
use crate::fs::FileKind;
use crate::store::FileId;
use std::collections::{BTreeMap, BTreeSet};

impl Kernel {
    /// Drops the queues of sockets that only each other's queues hold. Linux
    /// looks when next a unix socket is released, the model when next a
    /// process ends as well. Linux: `unix_gc`.
    pub(crate) fn collect_unreachable(&mut self) {
        for file in self.garbage() {
            if let FileKind::Socket(socket) = self.files[file].kind {
                self.has_collected = true;
                self.drop_messages(socket);
            }
        }
    }

    /// Some socket is held by queues alone, its own among them.
    pub(crate) fn has_garbage(&self) -> bool {
        let is_socket = |file| matches!(self.files[file].kind, FileKind::Socket(_));
        self.garbage().into_iter().any(is_socket)
    }

    /// The files that only the queues of each other hold.
    fn garbage(&self) -> Vec<FileId> {
        if *self.sockets_in_flight == 0 {
            return Vec::new();
        }
        let mut in_flight = BTreeMap::<FileId, u32>::new();
        for file in self.sockets.iter().flat_map(|(_, s)| s.rights_in_flight()) {
            *in_flight.entry(file).or_default() += 1;
        }
        // Whoever is held from outside the queues reaches what is in its own.
        let mut next: Vec<FileId> = (self.files.iter())
            .filter(|(id, file)| {
                let queued = in_flight.get(id).copied().unwrap_or(0);
                matches!(file.kind, FileKind::Socket(_)) && file.references > queued
            })
            .map(|(id, _)| id)
            .collect();
        let mut reached: BTreeSet<FileId> = next.iter().copied().collect();
        while let Some(file) = next.pop() {
            if let FileKind::Socket(socket) = self.files[file].kind {
                let held = self.sockets[socket].rights_in_flight();
                next.extend(held.filter(|held| reached.insert(*held)));
            }
        }
        let files = in_flight.into_keys();
        files.filter(|file| !reached.contains(file)).collect()
    }

    /// A file joins or leaves a queue. Only sockets can hold each other.
    /// Linux: `unix_inflight`, `unix_notinflight`.
    pub(super) fn count_in_flight(&mut self, file: FileId, change: i32) {
        if let FileKind::Socket(_) = self.files[file].kind {
            *self.sockets_in_flight = self.sockets_in_flight.wrapping_add_signed(change);
        }
    }
}
