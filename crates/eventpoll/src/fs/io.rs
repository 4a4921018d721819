//! `read(2)` and `write(2)`, by kind of file.

use super::file::{Access, FileKind, Opaque, PipeEnd};
use crate::abi::{Out, Outcome, Piece, Return};
use crate::fs::kinds::PipeWrite;
use crate::fs::kinds::SendCall;
use crate::store::{Fd, FileId, Tid, WaitId};
use crate::wait::Waiter;
use crate::wait::{Call, Timeout};
use crate::{Errno, Kernel};

/// Bytes of one signal as a signalfd gives it. Linux: `struct signalfd_siginfo`.
const SIGNALFD_SIGINFO: u64 = 128;

/// No program has a buffer as long as this. Linux: `USER_PTR_MAX`.
const LONGEST: u64 = 0x7fff_ffff_f000;

/// A read under way.
#[derive(Debug, Clone, Hash)]
pub(crate) struct ReadCall {
    pub(crate) file: FileId,
    len: u64,
    has_slept: bool,
}

/// A write under way.
#[derive(Debug, Clone, Hash)]
pub(crate) struct WriteCall {
    pub(crate) file: FileId,
    len: u64,
    first: u64,
    progress: PipeWrite,
}

impl WriteCall {
    /// Part of it is written, so its end is no error.
    pub(crate) fn has_begun(&self) -> bool {
        self.progress.written > 0
    }

    /// The last try has written something.
    pub(crate) fn has_found_room(&self) -> bool {
        self.progress.has_found_room
    }
}

impl Kernel {
    /// `read(2)`.
    #[inline]
    pub fn read(&mut self, caller: Tid, fd: Fd, len: u64) -> Outcome {
        let file = match self.readable_file(caller, fd, len) {
            Ok(file) => file,
            Err(errno) => return Outcome::Done(Err(errno)),
        };
        let mut call = ReadCall {
            file,
            len,
            has_slept: false,
        };
        if let Some(result) = self.try_read(caller, &mut call) {
            return Outcome::Done(result);
        }
        let timeout = self.timeout_of(file);
        self.begin_in_vain(caller, Call::Read(call), timeout, None)
    }

    /// What can be refused before anything is tried.
    #[inline]
    fn readable_file(&self, caller: Tid, fd: Fd, len: u64) -> Result<FileId, Errno> {
        let file = self.file_at(caller, fd)?;
        match self.files[file].kind {
            FileKind::Pipe {
                end: PipeEnd::Write,
                ..
            } => Err(Errno::EBADF),
            FileKind::Eventfd(_) | FileKind::Timerfd(_) if len < 8 => Err(Errno::EINVAL),
            FileKind::Signalfd { .. } if len < SIGNALFD_SIGINFO => Err(Errno::EINVAL),
            FileKind::Epoll(_) | FileKind::Pidfd { .. } | FileKind::Ring { .. } => {
                Err(Errno::EINVAL)
            }
            FileKind::Device(_) | FileKind::Buffer(_) => Err(Errno::EINVAL),
            FileKind::Opaque(_) if !self.files[file].is_open_for(Access::Read) => Err(Errno::EBADF),
            FileKind::Opaque(Opaque::Directory) => Err(Errno::EISDIR),
            _ if len > LONGEST => Err(Errno::EFAULT),
            _ => Ok(file),
        }
    }

    #[inline]
    pub(crate) fn try_read(
        &mut self,
        caller: Tid,
        call: &mut ReadCall,
    ) -> Option<Result<Return, Errno>> {
        let has_slept = std::mem::replace(&mut call.has_slept, true);
        match self.files[call.file].kind {
            FileKind::Eventfd(_) => {
                let count = self.try_read_eventfd(call.file)?;
                Some(Ok(Return::with(8, Out::Counter(count))))
            }
            FileKind::Timerfd(_) => {
                let ticks = self.try_read_timerfd(call.file)?;
                Some(Ok(Return::with(8, Out::Counter(ticks))))
            }
            FileKind::Pipe { pipe, .. } => {
                let taken = self.try_read_pipe(pipe, call.len, has_slept)?;
                Some(Ok(Return::value(taken as i64)))
            }
            FileKind::Signalfd { mask } => {
                let signals = self.try_read_signalfd(caller, mask, call.len / SIGNALFD_SIGINFO)?;
                let bytes = signals.len() as u64 * SIGNALFD_SIGINFO;
                Some(Ok(Return::with(bytes as i64, Out::Signals(signals))))
            }
            FileKind::Socket(socket) => {
                self.try_read_socket(call.file, socket, call.len, has_slept)
            }
            FileKind::Opaque(Opaque::Zero) => Some(Ok(Return::value(call.len as i64))),
            _ => Some(Ok(Return::value(0))),
        }
    }

    pub(crate) fn enqueue_read(&mut self, tid: Tid, call: &ReadCall) -> WaitId {
        let queue = self
            .wait_queue_of(call.file, tid)
            .expect("only files with a queue make readers wait");
        let waiter = Waiter::Task(tid);
        match &self.files[call.file].kind {
            FileKind::Pipe { .. } => self.waits.add_tail(queue, waiter, true),
            FileKind::Socket(socket) if !self.sockets[*socket].is_stream() => {
                self.waits.add_tail(queue, Waiter::Receiver(tid), true)
            }
            // Newest first. Linux: add_wait_queue, prepare_to_wait.
            FileKind::Socket(_) | FileKind::Signalfd { .. } => self.waits.add(queue, waiter),
            // Linux: do_wait_intr_irq.
            _ => self.waits.add_tail(queue, waiter, false),
        }
    }

    /// `write(2)`; `first` is the first eight bytes.
    #[inline]
    pub fn write(&mut self, caller: Tid, fd: Fd, len: u64, first: u64) -> Outcome {
        let file = match self.writable_file(caller, fd, len, first) {
            Ok(file) => file,
            Err(errno) => return Outcome::Done(Err(errno)),
        };
        if let FileKind::Socket(socket) = self.files[file].kind {
            let call = SendCall::write(file, socket, len);
            return self.begin(caller, Call::Send(call), self.timeout_of(file), None);
        }
        let mut call = WriteCall {
            file,
            len,
            first,
            progress: PipeWrite::default(),
        };
        if let Some(result) = self.try_write(caller, &mut call) {
            return Outcome::Done(result);
        }
        let timeout = self.timeout_of(file);
        self.begin_in_vain(caller, Call::Write(call), timeout, None)
    }

    #[inline]
    fn writable_file(&self, caller: Tid, fd: Fd, len: u64, first: u64) -> Result<FileId, Errno> {
        let file = self.file_at(caller, fd)?;
        match self.files[file].kind {
            FileKind::Pipe {
                end: PipeEnd::Read, ..
            } => Err(Errno::EBADF),
            FileKind::Eventfd(_) if len < 8 || first == u64::MAX => Err(Errno::EINVAL),
            FileKind::Eventfd(_) if len > 8 && !self.version.takes_long_eventfd_writes() => {
                Err(Errno::EINVAL)
            }
            FileKind::Timerfd(_) | FileKind::Signalfd { .. } | FileKind::Epoll(_) => {
                Err(Errno::EINVAL)
            }
            FileKind::Pidfd { .. } | FileKind::Ring { .. } => Err(Errno::EINVAL),
            FileKind::Device(_) | FileKind::Buffer(_) => Err(Errno::EINVAL),
            FileKind::Opaque(_) if !self.files[file].is_open_for(Access::Write) => {
                Err(Errno::EBADF)
            }
            _ if len > LONGEST => Err(Errno::EFAULT),
            _ => Ok(file),
        }
    }

    #[inline]
    pub(crate) fn try_write(
        &mut self,
        caller: Tid,
        call: &mut WriteCall,
    ) -> Option<Result<Return, Errno>> {
        match self.files[call.file].kind {
            FileKind::Eventfd(_) => self
                .try_write_eventfd(call.file, call.first)
                .then(|| Ok(Return::value(8))),
            FileKind::Pipe { pipe, .. } => {
                let is_packet = self.files[call.file].is_packet_pipe();
                let progress = &mut call.progress;
                let result = self.try_write_pipe(caller, pipe, call.len, is_packet, progress)?;
                Some(result.map(|written| Return::value(written as i64)))
            }
            _ => Some(Ok(Return::value(call.len as i64))),
        }
    }

    /// `readv(2)`: one read of them all, and nothing at all of nothing.
    /// Linux: `vfs_readv`.
    pub fn readv(&mut self, caller: Tid, fd: Fd, lens: &[u64]) -> Outcome {
        let total = match total(lens.iter().copied()) {
            Ok(total) => total,
            Err(errno) => return self.refuse_vector(caller, fd, errno),
        };
        if total > 0 {
            return self.read(caller, fd, total);
        }
        // As for one that is long enough for every kind.
        match self.readable_file(caller, fd, SIGNALFD_SIGINFO) {
            Ok(_) => Outcome::Done(Ok(Return::value(0))),
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }

    /// `writev(2)`: one write of them all, but to an eventfd one for each.
    /// Linux: `vfs_writev`, `do_loop_readv_writev`.
    pub fn writev(&mut self, caller: Tid, fd: Fd, pieces: &[Piece]) -> Outcome {
        let lens = pieces.iter().map(|piece| piece.len);
        let total = match total(lens) {
            Ok(total) => total,
            Err(errno) => return self.refuse_vector(caller, fd, errno),
        };
        let first = pieces.first().map_or(0, |piece| piece.first);
        let file = match self.writable_file(caller, fd, total.max(8), 0) {
            Ok(file) => file,
            Err(errno) => return Outcome::Done(Err(errno)),
        };
        let is_eventfd = matches!(self.files[file].kind, FileKind::Eventfd(_));
        match pieces.first() {
            _ if total == 0 => Outcome::Done(Ok(Return::value(0))),
            // The first piece that is no counter ends it, and be it an empty one.
            Some(piece) if is_eventfd => self.write(caller, fd, piece.len, piece.first),
            _ => self.write(caller, fd, total, first),
        }
    }

    /// The number comes before the pieces.
    fn refuse_vector(&self, caller: Tid, fd: Fd, errno: Errno) -> Outcome {
        let errno = self.file_at(caller, fd).err().unwrap_or(errno);
        Outcome::Done(Err(errno))
    }

    /// A write ends before all is written: what was written counts. The
    /// reader of a pipe that is polled hears of the attempt in any case.
    pub(crate) fn stop_write(&mut self, call: &WriteCall, errno: Errno) -> Result<Return, Errno> {
        if let FileKind::Pipe { pipe, .. } = self.files[call.file].kind {
            self.stop_pipe_write(pipe, &call.progress);
        }
        match call.progress.written {
            0 => Err(errno),
            written => Ok(Return::value(written as i64)),
        }
    }

    pub(crate) fn enqueue_write(&mut self, tid: Tid, call: &WriteCall) -> WaitId {
        let queue = self
            .wait_queue_of(call.file, tid)
            .expect("only files with a queue make writers wait");
        let is_exclusive = matches!(self.files[call.file].kind, FileKind::Pipe { .. });
        self.waits.add_tail(queue, Waiter::Task(tid), is_exclusive)
    }

    pub(crate) fn timeout_of(&self, file: FileId) -> Timeout {
        if self.files[file].is_nonblocking() {
            Timeout::None
        } else {
            Timeout::Endless
        }
    }

    /// `lseek(2)`: only files on disk have a position; an instance pretends.
    /// Of a regular file or a directory it is the one that is set: their sizes are not modelled.
    pub fn lseek(&mut self, caller: Tid, fd: Fd, offset: i64, whence: i32) -> Result<i64, Errno> {
        /// The last of the ways to seek. Linux: `SEEK_MAX`.
        const SEEK_HOLE: u32 = 4;
        let file = self.file_at(caller, fd)?;
        if whence.cast_unsigned() > SEEK_HOLE {
            return Err(Errno::EINVAL);
        }
        match self.files[file].kind {
            FileKind::Pipe { .. }
            | FileKind::Socket(_)
            | FileKind::Opaque(Opaque::Socket)
            | FileKind::Pidfd { .. }
            | FileKind::Ring { .. } => Err(Errno::ESPIPE),
            FileKind::Opaque(Opaque::NotPollable | Opaque::Directory | Opaque::Pollable) => {
                match offset {
                    ..0 => Err(Errno::EINVAL),
                    _ => Ok(offset),
                }
            }
            _ => Ok(0),
        }
    }
}

/// The length of all pieces. Linux: `import_iovec`.
fn total(lens: impl ExactSizeIterator<Item = u64>) -> Result<u64, Errno> {
    /// Linux: `UIO_MAXIOV`.
    const MOST: usize = 1024;
    if lens.len() > MOST {
        return Err(Errno::EINVAL);
    }
    lens.map(|len| i64::try_from(len).map(|_| len))
        .try_fold(0_u64, |sum, len| Ok(sum.saturating_add(len?)))
        .map_err(|_: std::num::TryFromIntError| Errno::EINVAL)
}
