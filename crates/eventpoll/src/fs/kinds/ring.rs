//! io_uring, as a holder of files: registered ("fixed") files stay alive
//! until they are unregistered or the ring goes.

use crate::abi::flags;
use crate::fs::FileKind;
use crate::store::{Fd, FileId, Tid};
use crate::{Errno, Kernel};

/// Linux: `IORING_MAX_FIXED_FILES`.
const MAX_FIXED_FILES: u64 = 1 << 20;

impl Kernel {
    /// `io_uring_setup(2)`.
    pub fn io_uring_setup(&mut self, caller: Tid, entries: u32) -> Result<Fd, Errno> {
        if entries == 0 || entries > 32_768 {
            return Err(Errno::EINVAL);
        }
        self.room_for_fds(caller, 1)?;
        self.install_new(
            caller,
            FileKind::Ring { files: Vec::new() },
            flags::O_RDWR | flags::O_CLOEXEC,
        )
    }

    /// `io_uring_register(2)` with `IORING_REGISTER_FILES`; -1 leaves a gap.
    /// Linux: `io_sqe_files_register`.
    pub fn io_uring_register_files(
        &mut self,
        caller: Tid,
        ring: Fd,
        fds: &[Fd],
    ) -> Result<(), Errno> {
        let ring = self.ring_at(caller, ring)?;
        if !self.ring_files(ring).is_empty() {
            return Err(Errno::EBUSY);
        }
        if fds.is_empty() {
            return Err(Errno::EINVAL);
        }
        if fds.len() as u64 > self.fd_limit(caller).min(MAX_FIXED_FILES) {
            return Err(Errno::EMFILE);
        }
        let held = fds
            .iter()
            .map(|fd| {
                if *fd == Fd(-1) {
                    Ok(None)
                } else {
                    let file = self.file_at(caller, *fd)?;
                    // A ring cannot hold a ring, so none can hold itself.
                    match self.files[file].kind {
                        FileKind::Ring { .. } => Err(Errno::EBADF),
                        _ => Ok(Some(file)),
                    }
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        for file in held.iter().flatten() {
            self.get(*file);
        }
        *self.ring_files(ring) = held;
        Ok(())
    }

    /// `io_uring_register(2)` with `IORING_UNREGISTER_FILES`.
    pub fn io_uring_unregister_files(&mut self, caller: Tid, ring: Fd) -> Result<(), Errno> {
        let ring = self.ring_at(caller, ring)?;
        let held = std::mem::take(self.ring_files(ring));
        if held.is_empty() {
            return Err(Errno::ENXIO);
        }
        for file in held.into_iter().flatten() {
            self.put(file);
        }
        self.run_task_work();
        Ok(())
    }

    fn ring_at(&self, caller: Tid, fd: Fd) -> Result<FileId, Errno> {
        if fd == Fd(-1) && self.version.registers_without_ring() {
            return Err(Errno::EINVAL);
        }
        let file = self.file_at(caller, fd)?;
        match self.files[file].kind {
            FileKind::Ring { .. } => Ok(file),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    fn ring_files(&mut self, ring: FileId) -> &mut Vec<Option<FileId>> {
        match &mut self.files[ring].kind {
            FileKind::Ring { files } => files,
            _ => unreachable!("the caller has looked at the kind"),
        }
    }
}
