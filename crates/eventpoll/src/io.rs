//! `read(2)` and `write(2)`, by kind of file.

use crate::blocking::{Call, Patience};
use crate::file::{FileKind, Opaque, PipeEnd};
use crate::ids::{Fd, FileId, Tid, WaitId};
use crate::pipe::PipeWrite;
use crate::syscall::{Out, Outcome, Return};
use crate::unix::SendCall;
use crate::wait_queue::Waiter;
use crate::{Errno, Kernel};

/// Bytes of one signal as a signalfd gives it. Linux: `struct signalfd_siginfo`.
const SIGNALFD_SIGINFO: u64 = 128;

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
        let patience = self.patience_of(file);
        self.begin_in_vain(caller, Call::Read(call), patience, None)
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
            return self.begin(caller, Call::Send(call), self.patience_of(file), None);
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
        let patience = self.patience_of(file);
        self.begin_in_vain(caller, Call::Write(call), patience, None)
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
            FileKind::Opaque(Opaque::Path) => Err(Errno::EBADF),
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

    pub(crate) fn patience_of(&self, file: FileId) -> Patience {
        if self.files[file].is_nonblocking() {
            Patience::None
        } else {
            Patience::Endless
        }
    }

    /// `lseek(2)`: only files on disk have a position; an instance pretends.
    pub fn lseek(&mut self, caller: Tid, fd: Fd) -> Result<i64, Errno> {
        let file = self.file_at(caller, fd)?;
        match self.files[file].kind {
            FileKind::Pipe { .. }
            | FileKind::Socket(_)
            | FileKind::Opaque(Opaque::Socket)
            | FileKind::Pidfd { .. }
            | FileKind::Ring { .. } => Err(Errno::ESPIPE),
            _ => Ok(0),
        }
    }
}
