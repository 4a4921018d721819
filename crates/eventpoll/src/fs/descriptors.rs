//! The calls on descriptors: `dup`, `fcntl`, `close`, `close_range`, `ioctl`.

use super::fd_table::{NR_OPEN, Slot};
use super::file::{FileKind, Opaque, PidfdOf};
use crate::abi::Inherited;
use crate::abi::{Fcntl, Ioctl, Out, Return, flags};
use crate::store::{Fd, FileId, TableId, Tid};
use crate::task::Life;
use crate::{Errno, Kernel, Pid};

/// The flags that `F_SETFL` changes. Linux: `SETFL_MASK`.
const SETFL: u32 =
    flags::O_APPEND | flags::O_NONBLOCK | flags::O_ASYNC | flags::O_DIRECT | flags::O_NOATIME;

const FIOQSIZE: u32 = 0x5460;
const FIGETBSZ: u32 = 2;
const FIOASYNC: u32 = 0x5452;
const TFD_IOC_SET_TICKS: u32 = 0x4008_5400;
const SIOCOUTQ: u32 = 0x5411;
const SIOCATMARK: u32 = 0x8905;

impl Kernel {
    /// `dup(2)`. Copies a descriptor to the lowest free fd.
    pub fn dup(&mut self, caller: Tid, fd: Fd) -> Result<Fd, Errno> {
        let slot = self.slot_at(caller, fd)?;
        let new = self.free_fd(caller, 0)?;
        self.get(slot.file);
        self.install(
            caller,
            new,
            Slot {
                is_cloexec: false,
                ..slot
            },
        );
        Ok(new)
    }

    /// `dup2(2)`. Copies a descriptor to a given fd, closing what was there.
    pub fn dup2(&mut self, caller: Tid, fd: Fd, new_fd: Fd) -> Result<Fd, Errno> {
        if fd == new_fd {
            self.slot_at(caller, fd)?;
            return Ok(fd);
        }
        self.replace_fd(caller, fd, new_fd, false)
    }

    /// `dup3(2)`. As `dup2`, but the same fd twice is `EINVAL`.
    pub fn dup3(&mut self, caller: Tid, fd: Fd, new_fd: Fd, flags: u32) -> Result<Fd, Errno> {
        if flags & !flags::O_CLOEXEC != 0 || fd == new_fd {
            return Err(Errno::EINVAL);
        }
        self.replace_fd(caller, fd, new_fd, flags != 0)
    }

    /// Linux: `ksys_dup3`, `do_dup2`.
    fn replace_fd(
        &mut self,
        caller: Tid,
        fd: Fd,
        new_fd: Fd,
        is_cloexec: bool,
    ) -> Result<Fd, Errno> {
        let limit = self.fd_limit(caller);
        if new_fd.0 < 0 || new_fd.0 as u64 >= limit {
            return Err(Errno::EBADF);
        }
        let slot = self.slot_at(caller, fd)?;
        let table = self.tasks[caller].table;
        self.get(slot.file);
        let replaced = self.tables[table].clear(new_fd);
        self.tables[table].install(new_fd.0 as usize, Slot { is_cloexec, ..slot });
        if let Some(replaced) = replaced {
            self.slot_cleared(table, new_fd, replaced.file, false);
            self.put(replaced.file);
        }
        Ok(new_fd)
    }

    /// `close(2)`. Removes an fd; the file goes with its last reference.
    #[inline]
    pub fn close(&mut self, caller: Tid, fd: Fd) -> Result<(), Errno> {
        let table = self.tasks[caller].table;
        let slot = self.tables[table].clear(fd).ok_or(Errno::EBADF)?;
        self.slot_cleared(table, fd, slot.file, false);
        self.put_now(slot.file);
        self.run_task_work();
        Ok(())
    }

    /// `close_range(2)`. Closes, or marks close-on-exec, a range of fds.
    pub fn close_range(
        &mut self,
        caller: Tid,
        first: u32,
        last: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(flags::CLOSE_RANGE_UNSHARE | flags::CLOSE_RANGE_CLOEXEC) != 0 || first > last {
            return Err(Errno::EINVAL);
        }
        if flags & flags::CLOSE_RANGE_UNSHARE != 0 {
            self.unshare_table(caller);
        }
        let table = self.tasks[caller].table;
        let end = (last as usize)
            .saturating_add(1)
            .min(self.tables[table].capacity());
        for fd in (first as usize..end).map(|fd| Fd(fd as i32)) {
            if flags & flags::CLOSE_RANGE_CLOEXEC != 0 {
                if let Some(slot) = self.tables[table].slot_mut(fd) {
                    slot.is_cloexec = true;
                }
            } else if let Some(slot) = self.tables[table].clear(fd) {
                self.slot_cleared(table, fd, slot.file, false);
                self.put(slot.file);
            }
        }
        self.run_task_work();
        Ok(())
    }

    /// `fcntl(2)`.
    pub fn fcntl(&mut self, caller: Tid, fd: Fd, cmd: Fcntl) -> Result<Return, Errno> {
        let slot = self.slot_at(caller, fd)?;
        let is_path = matches!(self.files[slot.file].kind, FileKind::Opaque(Opaque::Path));
        match cmd {
            Fcntl::DupFd(from) => self.dup_from(caller, slot, from, false),
            Fcntl::DupFdCloexec(from) => self.dup_from(caller, slot, from, true),
            Fcntl::GetFd => Ok(Return::value(slot.is_cloexec.into())),
            Fcntl::SetFd(bits) => {
                self.set_cloexec(caller, fd, bits & flags::FD_CLOEXEC != 0);
                Ok(Return::value(0))
            }
            Fcntl::GetFl => Ok(Return::value(self.files[slot.file].flags.into())),
            Fcntl::DupFdQuery(other) if self.version.has_dupfd_query() => {
                let other = self.raw_file_at(caller, other)?;
                Ok(Return::value((other == slot.file).into()))
            }
            _ if is_path => Err(Errno::EBADF),
            Fcntl::SetFl(bits) => self.set_flags(slot.file, bits),
            Fcntl::SetPipeSize(bytes) => self.set_pipe_size(slot.file, bytes),
            Fcntl::GetPipeSize => self.pipe_size(slot.file),
            Fcntl::GetOwn | Fcntl::GetSig => Ok(Return::value(0)),
            // Linux: F_UNLCK.
            Fcntl::GetLease => Ok(Return::value(2)),
            Fcntl::SetOwn(0) | Fcntl::SetSig(0) | Fcntl::Notify(0) => Ok(Return::value(0)),
            // The others are not modelled; no signal has such a number.
            Fcntl::SetOwn(_) | Fcntl::SetSig(_) | Fcntl::Notify(_) => Err(Errno::EINVAL),
            Fcntl::DupFdQuery(_) | Fcntl::Other(_) => Err(Errno::EINVAL),
        }
    }

    /// Linux: `setfl`.
    fn set_flags(&mut self, file: FileId, bits: u32) -> Result<Return, Errno> {
        let file = &mut self.files[file];
        let (is_pipe, is_regular, is_async) = match file.kind {
            FileKind::Pipe { .. } => (true, false, true),
            FileKind::Socket(_) | FileKind::Opaque(Opaque::Socket | Opaque::Pollable) => {
                (false, false, true)
            }
            FileKind::Opaque(Opaque::NotPollable | Opaque::Directory) => (false, true, false),
            _ => (false, false, false),
        };
        if bits & flags::O_DIRECT != 0 && !is_pipe && !is_regular {
            return Err(Errno::EINVAL);
        }
        let changes = if is_async {
            SETFL
        } else {
            SETFL & !flags::O_ASYNC
        };
        file.flags = file.flags & !changes | bits & changes;
        Ok(Return::value(0))
    }

    fn dup_from(
        &mut self,
        caller: Tid,
        slot: Slot,
        from: i32,
        is_cloexec: bool,
    ) -> Result<Return, Errno> {
        let limit = self.fd_limit(caller);
        let from = u32::try_from(from)
            .ok()
            .filter(|from| u64::from(*from) < limit);
        let new = self.free_fd(caller, from.ok_or(Errno::EINVAL)? as usize)?;
        self.get(slot.file);
        self.install(caller, new, Slot { is_cloexec, ..slot });
        Ok(new.into())
    }

    fn set_cloexec(&mut self, caller: Tid, fd: Fd, is_cloexec: bool) {
        let table = self.tasks[caller].table;
        if let Some(slot) = self.tables[table].slot_mut(fd) {
            slot.is_cloexec = is_cloexec;
        }
    }

    /// `ioctl(2)`.
    pub fn ioctl(&mut self, caller: Tid, fd: Fd, request: Ioctl) -> Result<Return, Errno> {
        let file = self.file_at(caller, fd)?;
        match request {
            Ioctl::Fioclex | Ioctl::Fionclex => {
                self.set_cloexec(caller, fd, request == Ioctl::Fioclex);
                Ok(Return::value(0))
            }
            Ioctl::Fionbio(on) => {
                let file = &mut self.files[file];
                file.flags =
                    file.flags & !flags::O_NONBLOCK | if on { flags::O_NONBLOCK } else { 0 };
                Ok(Return::value(0))
            }
            Ioctl::Other(FIGETBSZ) => Ok(Return::value(0)),
            Ioctl::Other(FIOQSIZE) => match self.files[file].kind {
                FileKind::Opaque(Opaque::NotPollable | Opaque::Directory) => Ok(Return::value(0)),
                _ => Err(Errno::ENOTTY),
            },
            // Its memory is all zero here: off.
            Ioctl::Other(FIOASYNC) => {
                self.files[file].flags &= !flags::O_ASYNC;
                Ok(Return::value(0))
            }
            _ => match self.files[file].kind {
                FileKind::Epoll(epoll) => self.ep_eventpoll_ioctl(caller, epoll, request),
                FileKind::Device(device) => self.ioctl_device(caller, file, device, request),
                FileKind::Pipe { pipe, .. } if request == Ioctl::Fionread => {
                    let available = self.pipes[pipe].available();
                    Ok(Return::with(0, Out::Available(available)))
                }
                FileKind::Socket(socket) if request == Ioctl::Fionread => {
                    let available = self.sockets[socket].available();
                    Ok(Return::with(0, Out::Available(available)))
                }
                FileKind::Pidfd { process, of, .. } => self.ioctl_pidfd(process, of, request),
                // Its memory is all zero here: no ticks. Linux: timerfd_ioctl.
                FileKind::Timerfd(_) if request == Ioctl::Other(TFD_IOC_SET_TICKS) => {
                    Err(Errno::EINVAL)
                }
                FileKind::Socket(_) if matches!(request, Ioctl::Other(SIOCOUTQ | SIOCATMARK)) => {
                    Ok(Return::value(0))
                }
                _ => Err(Errno::ENOTTY),
            },
        }
    }

    /// `prlimit64(2)` of `RLIMIT_NOFILE`: no more than any table can hold.
    /// What a hard limit that was lowered forbids is not modelled. Linux: `do_prlimit`.
    pub fn set_nofile(&mut self, caller: Tid, soft: u64, hard: u64) -> Result<(), Errno> {
        if soft > hard {
            return Err(Errno::EINVAL);
        }
        if hard > NR_OPEN {
            return Err(Errno::EPERM);
        }
        self.processes[self.tasks[caller].process].nofile = soft;
        Ok(())
    }

    pub(crate) fn slot_at(&self, caller: Tid, fd: Fd) -> Result<Slot, Errno> {
        let table = self.tasks[caller].table;
        self.tables[table].slot(fd).copied().ok_or(Errno::EBADF)
    }

    /// The fd for the next descriptor: the lowest free one, unless it was
    /// dictated. Linux: `get_unused_fd_flags`.
    #[inline]
    pub(crate) fn free_fd(&mut self, caller: Tid, from: usize) -> Result<Fd, Errno> {
        if let Some(fd) = self.dictated_fds.pop() {
            return Ok(fd);
        }
        let fd = self.tables[self.tasks[caller].table].lowest_free(from);
        if fd as u64 >= self.fd_limit(caller) {
            return Err(Errno::EMFILE);
        }
        Ok(Fd(fd as i32))
    }

    /// No fd from here on; no more files in a ring. Linux: `rlimit(RLIMIT_NOFILE)`.
    #[inline]
    pub(crate) fn fd_limit(&self, caller: Tid) -> u64 {
        self.processes[self.tasks[caller].process].nofile
    }

    #[inline]
    pub(crate) fn install(&mut self, caller: Tid, fd: Fd, slot: Slot) {
        let table = self.tasks[caller].table;
        self.tables[table].install(fd.0 as usize, slot);
    }

    /// Gives a new file the lowest free fd, or drops it if there is none.
    #[inline]
    pub(crate) fn install_new(
        &mut self,
        caller: Tid,
        kind: FileKind,
        flags: u32,
    ) -> Result<Fd, Errno> {
        let fd = self.free_fd(caller, 0)?;
        let is_cloexec = flags & flags::O_CLOEXEC != 0;
        let file = self.new_file(kind, flags & !flags::O_CLOEXEC);
        self.install(
            caller,
            fd,
            Slot {
                file,
                is_cloexec,
                is_inherited: false,
            },
        );
        Ok(fd)
    }

    /// True if a new descriptor could be made now: the check that comes
    /// before anything is created.
    pub(crate) fn room_for_fds(&self, caller: Tid, count: usize) -> Result<(), Errno> {
        if self.dictated_fds.len() >= count {
            return Ok(());
        }
        let task = &self.tasks[caller];
        let mut fd = 0;
        for _ in 0..count {
            fd = self.tables[task.table].lowest_free(fd) + 1;
        }
        if fd as u64 > self.fd_limit(caller) {
            Err(Errno::EMFILE)
        } else {
            Ok(())
        }
    }

    /// A copy of a table for another user. Linux: `dup_fd`.
    pub(crate) fn copy_table(&mut self, table: TableId) -> TableId {
        let is_copied = self.policy.inherited != Inherited::NotCopied;
        let files = &mut self.files;
        let copy = self.tables[table].copy(|_, file| {
            let file = &mut files[file];
            let keep = is_copied || file.epoll().is_none();
            if keep {
                file.references += 1;
            }
            keep
        });
        self.tables.insert(copy)
    }

    /// Gives the caller a table of its own, if others use it too. Linux: `unshare_files`.
    pub(crate) fn unshare_table(&mut self, caller: Tid) {
        let table = self.tasks[caller].table;
        if self.tables[table].users > 1 {
            let copy = self.copy_table(table);
            self.tasks[caller].table = copy;
            self.tables[table].users -= 1;
        }
    }

    /// The caller leaves its table; the last user closes what is in it.
    /// Linux: `exit_files`, `close_files`.
    pub(crate) fn put_table(&mut self, table: TableId) {
        if self.tables[table].users > 1 {
            self.tables[table].users -= 1;
            return;
        }
        for fd in (0..self.tables[table].capacity()).map(|fd| Fd(fd as i32)) {
            if let Some(slot) = self.tables[table].clear(fd) {
                self.slot_cleared(table, fd, slot.file, true);
                self.put(slot.file);
            }
        }
        self.tables[table].shrink();
        self.tables[table].users = 0;
        self.forget_table(table);
    }

    /// A table nobody uses goes when no epitem bears its name either.
    pub(crate) fn forget_table(&mut self, table: TableId) {
        if self.tables[table].users == 0 && self.tables[table].epitems == 0 {
            self.tables.remove(table);
        }
    }

    /// Closes what is marked close-on-exec. Linux: `do_close_on_exec`.
    pub(crate) fn close_on_exec(&mut self, table: TableId) {
        for fd in (0..self.tables[table].capacity()).map(|fd| Fd(fd as i32)) {
            if self.tables[table]
                .slot(fd)
                .is_some_and(|slot| slot.is_cloexec)
                && let Some(slot) = self.tables[table].clear(fd)
            {
                self.slot_cleared(table, fd, slot.file, false);
                self.put(slot.file);
            }
        }
    }

    /// `pidfd_getfd(2)`. Copies a descriptor out of another process.
    pub fn pidfd_getfd(
        &mut self,
        caller: Tid,
        pidfd: Fd,
        target: Fd,
        flags: u32,
    ) -> Result<Fd, Errno> {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let pidfd = self.file_at(caller, pidfd)?;
        let FileKind::Pidfd { process, of, .. } = self.files[pidfd].kind else {
            return Err(Errno::EBADF);
        };
        // A leader that has ended has no table, whatever its other threads do.
        let tid = match of {
            PidfdOf::Thread(tid) => Some(tid),
            PidfdOf::GoneThread { .. } => None,
            PidfdOf::Process if self.processes[process].life == Life::Reaped => None,
            PidfdOf::Process => self.tid(self.processes[process].pid),
        };
        let tid = tid.ok_or(Errno::ESRCH)?;
        let file = self.raw_file_at(tid, target)?;
        let fd = self.free_fd(caller, 0)?;
        self.get(file);
        self.install(
            caller,
            fd,
            Slot {
                file,
                is_cloexec: true,
                is_inherited: false,
            },
        );
        Ok(fd)
    }

    /// Which file a task's fd names: what `/proc/PID/fd/N` shows.
    pub fn file_of(&self, pid: Pid, fd: Fd) -> Option<FileId> {
        let tid = self.tid(pid)?;
        self.tables[self.tasks[tid].table].file(fd)
    }
}
