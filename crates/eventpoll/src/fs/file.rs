//! Open file descriptions: references, kind, release.
//!
//! ```text
//!   slot ─┐
//!   slot ─┼─▶ File { references } ──▶ kind ──▶ pipe, socket, instance …
//!   in flight, call under way, ring ─┘
//! ```
//!
//! An epitem holds no reference. The last one to go starts the release
//! ([`Kernel::release`]), which removes the epitems first.

use crate::abi::{SigSet, flags};
use crate::fs::kinds::Eventfd;
use crate::fs::kinds::Timerfd;
use crate::store::Head;
use crate::store::{
    BufferId, DeviceId, EpitemId, EpollId, FileId, PipeId, ProcessId, QueueId, SocketId, TableId,
    Tid,
};
use crate::{Errno, Events, Kernel};

/// One open file description. Linux: `struct file`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct File {
    /// How many slots, messages, calls and rings hold it. Linux: `f_ref`.
    pub(crate) references: u32,
    /// `O_*` as `F_GETFL` shows them. Linux: `f_flags`.
    pub(crate) flags: u32,
    /// The epitems that watch it. Linux: `f_ep`.
    pub(crate) epitems: Head<EpitemId>,
    pub(crate) kind: FileKind,
}

/// What kind of file it is, with what that kind keeps.
#[derive(Debug, Clone, Hash)]
pub(crate) enum FileKind {
    /// A file whose readiness is not modelled.
    Opaque(Opaque),
    Pipe {
        pipe: PipeId,
        end: PipeEnd,
    },
    Eventfd(Eventfd),
    Timerfd(Box<Timerfd>),
    Signalfd {
        mask: SigSet,
    },
    Socket(SocketId),
    Epoll(EpollId),
    Pidfd {
        process: ProcessId,
        of: PidfdOf,
        /// The process's, or the thread's own.
        queue: QueueId,
    },
    /// An io_uring, as a holder of files.
    Ring {
        files: Vec<Option<FileId>>,
    },
    Device(DeviceId),
    Buffer(BufferId),
    Custom(Box<dyn crate::CustomFile>, QueueId),
}

/// What is known of a file whose readiness is not modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opaque {
    /// Has a `poll` of its own: sockets, terminals, most devices.
    Pollable,
    /// Has none, so that epoll refuses it with `EPERM`: regular files.
    NotPollable,
    /// A directory: has none either.
    Directory,
    /// `/dev/null`: has none either.
    Null,
    /// `/dev/zero`: has none either.
    Zero,
    /// A socket of the network, pollable.
    Socket,
    /// Opened with `O_PATH`: `EBADF` to every call that wants a file.
    Path,
}

/// What a process descriptor stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PidfdOf {
    Process,
    /// One thread (`PIDFD_THREAD`): ready when that thread ends, whatever its process does.
    Thread(Tid),
    /// A thread that has ended; its leader's descriptor stays until the process is reaped.
    GoneThread {
        is_leader: bool,
    },
}

/// What a file may be opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Which end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PipeEnd {
    Read,
    Write,
}

impl File {
    pub(crate) fn is_nonblocking(&self) -> bool {
        self.flags & flags::O_NONBLOCK != 0
    }

    /// Was it opened for this? Linux: `FMODE_READ`, `FMODE_WRITE`.
    pub(crate) fn is_open_for(&self, access: Access) -> bool {
        let mode = self.flags & flags::O_ACCMODE;
        let other = match access {
            Access::Read => flags::O_WRONLY,
            Access::Write => flags::O_RDONLY,
        };
        mode != other && mode != flags::O_ACCMODE && self.flags & flags::O_PATH == 0
    }

    /// Linux: `file_can_poll`.
    pub(crate) fn can_poll(&self) -> bool {
        !matches!(
            self.kind,
            FileKind::Opaque(
                Opaque::NotPollable
                    | Opaque::Directory
                    | Opaque::Null
                    | Opaque::Zero
                    | Opaque::Path
            )
        )
    }

    pub(crate) fn epoll(&self) -> Option<EpollId> {
        match self.kind {
            FileKind::Epoll(epoll) => Some(epoll),
            _ => None,
        }
    }
}

impl Kernel {
    /// A new file with one reference, which the caller must place.
    pub(crate) fn new_file(&mut self, kind: FileKind, flags: u32) -> FileId {
        self.files.insert(File {
            references: 1,
            flags,
            epitems: Head::default(),
            kind,
        })
    }

    /// Takes a reference. Linux: `get_file`.
    #[inline]
    pub(crate) fn get(&mut self, file: FileId) {
        self.files[file].references += 1;
    }

    /// Takes a reference unless the last one has gone: the guard against
    /// polling a file during its release. Linux: `epi_fget`.
    #[inline]
    pub(crate) fn get_if_alive(&mut self, file: FileId) -> bool {
        let references = &mut self.files[file].references;
        if *references == 0 {
            return false;
        }
        // A branch, not `+= u32::from(..)`: rustc 1.95 at opt-level 2 lost that addition here.
        *references += 1;
        true
    }

    /// Drops a reference; the last one starts the release when the call ends,
    /// as Linux does on the way back to the program. Linux: `fput`.
    #[inline]
    pub(crate) fn put(&mut self, file: FileId) {
        if self.drop_reference(file) {
            self.task_work.push(file);
        }
    }

    /// Drops a reference and releases at once. Linux: `fput_close_sync`.
    #[inline]
    pub(crate) fn put_now(&mut self, file: FileId) {
        if self.drop_reference(file) {
            self.release(file);
        }
    }

    #[inline]
    pub(crate) fn drop_reference(&mut self, file: FileId) -> bool {
        let references = &mut self.files[file].references;
        *references -= 1;
        *references == 0
    }

    /// Releases what the call has dropped, the last dropped first.
    /// Linux: `task_work_run`.
    pub(crate) fn run_task_work(&mut self) {
        loop {
            while !self.task_work.is_empty() {
                for file in std::mem::take(&mut self.task_work).into_iter().rev() {
                    self.release(file);
                }
            }
            if !std::mem::take(&mut *self.is_collection_due) {
                return;
            }
            self.collect_unreachable();
        }
    }

    /// The last reference has gone: first the epitems, then what the kind
    /// holds, then the memory. Linux: `__fput`.
    fn release(&mut self, file: FileId) {
        if self.deferred.is_on {
            return self.deferred.releases.push(file);
        }
        if !self.files[file].epitems.is_empty() {
            self.eventpoll_release_file(file);
        }
        self.release_kind(file);
        self.files.remove(file);
    }

    /// What the kind holds goes. Linux: `file_operations::release`.
    pub(crate) fn release_kind(&mut self, file: FileId) {
        // The kind is taken out, so that nothing can poll a file half gone.
        let gone = FileKind::Opaque(Opaque::Path);
        match std::mem::replace(&mut self.files[file].kind, gone) {
            FileKind::Opaque(_) | FileKind::Signalfd { .. } => {}
            FileKind::Pipe { pipe, end } => self.release_pipe(pipe, end),
            FileKind::Eventfd(eventfd) => self.release_eventfd(&eventfd),
            FileKind::Timerfd(timer) => self.release_timerfd(file, &timer),
            FileKind::Socket(socket) => self.release_socket(socket),
            FileKind::Epoll(epoll) => self.ep_clear_and_put(epoll),
            FileKind::Pidfd { process, queue, .. } => self.release_pidfd(process, queue),
            FileKind::Ring { files } => files.into_iter().flatten().for_each(|held| self.put(held)),
            FileKind::Device(device) => self.release_device(device),
            FileKind::Buffer(buffer) => self.release_buffer(buffer),
            FileKind::Custom(_, queue) => self.waits.destroy(queue),
        }
    }

    /// What the file is ready for now, in the eyes of `caller`. Linux: `vfs_poll`.
    #[inline(always)]
    pub(crate) fn poll_file(&mut self, file: FileId, caller: Tid) -> Events {
        match &self.files[file].kind {
            // Alone, so that it costs no call.
            FileKind::Eventfd(eventfd) => eventfd.poll(),
            _ => self.poll_other_file(file, caller),
        }
    }

    /// As [`poll_file`](Kernel::poll_file); nothing once the last reference
    /// has gone. Linux takes a reference for the time of the poll (`epi_fget`);
    /// in an undivided call nothing could take it away meanwhile.
    #[inline(always)]
    pub(crate) fn poll_if_alive(&mut self, file: FileId, caller: Tid) -> Events {
        if self.files[file].references == 0 {
            return Events::empty();
        }
        self.poll_file(file, caller)
    }

    #[inline(never)]
    fn poll_other_file(&mut self, file: FileId, caller: Tid) -> Events {
        match &self.files[file].kind {
            FileKind::Eventfd(eventfd) => eventfd.poll(),
            FileKind::Pipe { pipe, end } => {
                let (pipe, end) = (*pipe, *end);
                self.poll_pipe(pipe, end)
            }
            FileKind::Timerfd(timer) => timer.poll(),
            FileKind::Signalfd { mask } => self.poll_signalfd(*mask, caller),
            FileKind::Socket(socket) => self.poll_socket(*socket),
            &FileKind::Epoll(epoll) => self.ep_eventpoll_poll(epoll, caller),
            FileKind::Pidfd { process, of, .. } => self.poll_pidfd(*process, *of),
            &FileKind::Buffer(buffer) => self.poll_buffer(file, buffer),
            FileKind::Custom(custom, _) => custom.poll(),
            // Nothing is ever submitted, so there is always room.
            FileKind::Ring { .. } => Events::WRITABLE,
            FileKind::Opaque(_) | FileKind::Device(_) => Events::empty(),
        }
    }

    /// The queue that a poll by `caller` joins, if the kind has one.
    pub(crate) fn wait_queue_of(&self, file: FileId, caller: Tid) -> Option<QueueId> {
        match &self.files[file].kind {
            FileKind::Pipe { pipe, end } => Some(self.pipes[*pipe].queue(*end)),
            FileKind::Eventfd(eventfd) => Some(eventfd.queue),
            FileKind::Timerfd(timer) => Some(timer.queue),
            // The queue belongs to the caller's signal handlers, not to the file.
            FileKind::Signalfd { .. } => Some(self.sighand_of(caller).queue),
            FileKind::Socket(socket) => Some(self.sockets[*socket].queue),
            FileKind::Epoll(epoll) => Some(self.epolls[*epoll].pollers),
            FileKind::Pidfd { queue, .. } => Some(*queue),
            FileKind::Device(device) => Some(self.devices[*device].queue),
            FileKind::Buffer(buffer) => Some(self.buffers[*buffer].queue),
            FileKind::Custom(_, queue) => Some(*queue),
            FileKind::Opaque(_) | FileKind::Ring { .. } => None,
        }
    }

    /// The file at `fd` in the caller's table. `O_PATH` files do not count.
    /// Linux: `fdget`.
    #[inline(always)]
    pub(crate) fn file_at(&self, caller: Tid, fd: crate::Fd) -> Result<FileId, Errno> {
        let table = self.tasks[caller].table;
        let (file, _) = self.find_file_in(table, fd).ok_or(Errno::EBADF)?;
        Ok(file)
    }

    /// The file at `fd` in a table, with itself.
    #[inline(always)]
    pub(crate) fn find_file_in(&self, table: TableId, fd: crate::Fd) -> Option<(FileId, &File)> {
        let id = self.tables[table].file(fd)?;
        let file = &self.files[id];
        let is_path = matches!(file.kind, FileKind::Opaque(Opaque::Path));
        (!is_path).then_some((id, file))
    }

    /// The file at `fd`, `O_PATH` or not. Linux: `fdget_raw`.
    #[inline(always)]
    pub(crate) fn raw_file_at(&self, caller: Tid, fd: crate::Fd) -> Result<FileId, Errno> {
        let table = self.tasks[caller].table;
        self.tables[table].file(fd).ok_or(Errno::EBADF)
    }
}
