//! What holds of files, the tables that name them, and their kinds.

use super::{Check, equal, hold};
use crate::Kernel;
use crate::fs::FileKind;
use crate::store::{FileId, TableId};
use std::collections::{BTreeMap, BTreeSet};

impl Kernel {
    /// Each file has as many references as holders.
    pub(super) fn check_references(&self) -> Check {
        let mut holders: BTreeMap<FileId, u32> = (*self.holds).clone();
        let in_slots =
            (self.tables.iter()).flat_map(|(_, table)| table.iter().map(|(_, s)| s.file));
        let in_flight = (self.sockets.iter()).flat_map(|(_, socket)| socket.rights_in_flight());
        let in_rings = (self.files.iter()).flat_map(|(_, file)| match &file.kind {
            FileKind::Ring { files } => &files[..],
            _ => &[],
        });
        let all = in_slots
            .chain(in_flight)
            .chain(in_rings.flatten().copied())
            .chain(self.files_in_calls())
            .chain(self.files_in_callbacks());
        for file in all {
            *holders.entry(file).or_default() += 1;
        }
        for (id, file) in self.files.iter() {
            let held = holders.remove(&id).unwrap_or(0);
            equal(&format!("references of {id:?}"), file.references, held)?;
            hold(held > 0, || format!("{id:?} is held by nobody"))?;
        }
        hold(holders.is_empty(), || {
            format!("these are held and gone: {holders:?}")
        })
    }

    pub(super) fn check_tables(&self) -> Check {
        let mut users = BTreeMap::<TableId, u32>::new();
        let mut epitems = BTreeMap::<TableId, u32>::new();
        for (_, task) in self.tasks.iter() {
            *users.entry(task.table).or_default() += 1;
        }
        for (_, epitem) in self.epitems.iter() {
            *epitems.entry(epitem.owner).or_default() += 1;
        }
        for (id, table) in self.tables.iter() {
            equal(
                &format!("users of {id:?}"),
                table.users,
                users.remove(&id).unwrap_or(0),
            )?;
            let owned = epitems.remove(&id).unwrap_or(0);
            equal(&format!("epitems of {id:?}"), table.epitems, owned)?;
            hold(table.users + owned > 0, || {
                format!("{id:?} is used by nobody")
            })?;
            table.check().map_err(|why| format!("{id:?}: {why}"))?;
        }
        hold(users.is_empty(), || {
            format!("tasks use tables that are gone: {users:?}")
        })?;
        hold(epitems.is_empty(), || {
            format!("epitems name tables that are gone: {epitems:?}")
        })
    }

    pub(super) fn check_pipes(&self) -> Check {
        let mut ends = 0;
        for (id, file) in self.files.iter() {
            if let FileKind::Pipe { pipe, .. } = file.kind {
                hold(self.pipes.get(pipe).is_some(), || {
                    format!("{id:?} has lost its pipe")
                })?;
                ends += 1;
            }
        }
        let counted: u32 = self.pipes.iter().map(|(_, pipe)| pipe.ends()).sum();
        equal("ends of pipes", counted, ends)
    }

    pub(super) fn check_sockets(&self) -> Check {
        let mut sockets = BTreeSet::new();
        for (id, file) in self.files.iter() {
            if let FileKind::Socket(socket) = file.kind {
                hold(sockets.insert(socket), || {
                    format!("{id:?} shares its socket")
                })?;
            }
        }
        equal("sockets, to their files", self.sockets.len(), sockets.len())?;
        let mut in_flight = 0;
        for (id, socket) in self.sockets.iter() {
            let is_socket = |f: &FileId| matches!(self.files[*f].kind, FileKind::Socket(_));
            in_flight += socket.rights_in_flight().filter(is_socket).count();
            if let Some(peer) = socket.peer() {
                let peer = self.sockets.get(peer);
                let peer = peer.ok_or_else(|| format!("{id:?} has a peer that is gone"))?;
                equal(&format!("the peer of {id:?}'s peer"), peer.peer(), Some(id))?;
                equal(
                    &format!("unread of {id:?}"),
                    socket.unread_by_peer(),
                    peer.queued_weight(),
                )?;
            }
        }
        equal(
            "sockets in flight",
            *self.sockets_in_flight as usize,
            in_flight,
        )
    }

    pub(super) fn check_devices(&self) -> Check {
        let (mut devices, mut buffers) = (0, 0);
        for (_, file) in self.files.iter() {
            match file.kind {
                FileKind::Device(device) => {
                    devices += 1;
                    hold(self.devices.get(device).is_some(), || {
                        "a device is gone".into()
                    })?;
                }
                FileKind::Buffer(_) => buffers += 1,
                _ => {}
            }
        }
        equal("buffers, to their files", self.buffers.len(), buffers)?;
        let open = self.devices.iter().filter(|(_, d)| d.is_open()).count();
        equal("open devices, to their files", open, devices)?;
        let listed: usize = self.devices.iter().map(|(_, d)| d.buffers().len()).sum();
        equal("buffers of devices", listed, self.buffers.len())
    }
}
