//! A typed call as the kernel takes it: a number, six arguments, and memory.
//!
//! | module | which calls |
//! |---|---|
//! | [`polling`] | epoll, poll |
//! | [`descriptors`] | what works on any descriptor; open |
//! | [`files`] | what makes files of a kind, and reads and writes them |
//! | [`processes`] | tasks, signals, limits |
//! | [`holders`] | what else holds files, or tells who does |
//! | [`legacy`] | what newer architectures have under newer names only |

mod descriptors;
mod files;
mod holders;
mod legacy;
mod polling;
mod processes;

use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::scratch::Scratch;
use crate::sys::layout::Slot;
use eventpoll::{Fd, Pid, Syscall};
use std::ffi::CString;

/// The size of a signal set in the kernel.
const SIGSET_LEN: u64 = 8;

/// How a call may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// Not at all, or only for the kernel's own business.
    Never,
    /// Asleep, until something happens or a signal comes.
    Asleep,
    /// Until its child has exec'ed or exited; signals do not matter.
    ForChild,
}

/// A call ready to be handed over.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) nr: i64,
    pub(crate) args: [u64; 6],
    pub(crate) waits: Waits,
    pub(crate) reply: Reply,
    /// The page behind the events must be unmapped first.
    pub(crate) needs_guard: bool,
}

/// What a request is made with, beside the call and its memory.
pub(crate) struct Surroundings<'a> {
    /// The caller's slot.
    pub(crate) slot: Slot,
    /// The slot of the task that the call makes.
    pub(crate) child: Option<Slot>,
    /// The kernel's number for one of the script's.
    pub(crate) real_fn: &'a dyn Fn(Pid) -> i32,
    /// The worker's image.
    pub(crate) image: &'a CString,
    /// The shared region.
    pub(crate) region: &'a CString,
    /// A regular file.
    pub(crate) regular: &'a CString,
}

/// Does the call make a task?
pub(crate) fn makes_task(call: &Syscall) -> bool {
    matches!(call, Syscall::Fork | Syscall::Vfork | Syscall::Clone { .. })
}

/// Can the call end tasks, or send signals to some that are not asleep in a call?
pub(crate) fn is_deadly(call: &Syscall) -> bool {
    matches!(
        call,
        Syscall::Kill { .. }
            | Syscall::Tgkill { .. }
            | Syscall::Exit { .. }
            | Syscall::ExitGroup { .. }
            | Syscall::Execve
    )
}

/// Can the call drop the last reference to a file, and so to all it holds?
pub(crate) fn may_release(call: &Syscall) -> bool {
    is_deadly(call)
        || matches!(
            call,
            Syscall::Close { .. }
                | Syscall::CloseRange { .. }
                | Syscall::Dup2 { .. }
                | Syscall::Dup3 { .. }
                | Syscall::IoUringUnregisterFiles { .. }
        )
}

/// Puts a call into the kernel's terms.
pub(crate) fn encode(
    call: &Syscall,
    memory: &mut Scratch<'_>,
    around: &Surroundings<'_>,
) -> Result<Request, ExecutorError> {
    let mut request = Encoder { memory, around }.call(call)?;
    request.needs_guard = memory.needs_guard();
    Ok(request)
}

struct Encoder<'m, 'a> {
    memory: &'m mut Scratch<'a>,
    around: &'m Surroundings<'m>,
}

type Encoded = Result<Request, ExecutorError>;

impl Encoder<'_, '_> {
    fn call(&mut self, call: &Syscall) -> Encoded {
        match call {
            Syscall::EpollCreate { .. }
            | Syscall::EpollCreate1 { .. }
            | Syscall::EpollCtl { .. }
            | Syscall::EpollWait { .. }
            | Syscall::EpollPwait { .. }
            | Syscall::EpollPwait2 { .. }
            | Syscall::Poll { .. }
            | Syscall::Ppoll { .. } => self.polling(call),
            Syscall::Dup { .. }
            | Syscall::Dup2 { .. }
            | Syscall::Dup3 { .. }
            | Syscall::Fcntl { .. }
            | Syscall::Close { .. }
            | Syscall::CloseRange { .. }
            | Syscall::Ioctl { .. }
            | Syscall::Lseek { .. }
            | Syscall::Open { .. } => self.descriptors(call),
            Syscall::Pipe2 { .. }
            | Syscall::Eventfd2 { .. }
            | Syscall::TimerfdCreate { .. }
            | Syscall::TimerfdSettime { .. }
            | Syscall::TimerfdGettime { .. }
            | Syscall::Signalfd4 { .. }
            | Syscall::Socket { .. }
            | Syscall::Socketpair { .. }
            | Syscall::Accept4 { .. }
            | Syscall::Shutdown { .. }
            | Syscall::Read { .. }
            | Syscall::Write { .. }
            | Syscall::Readv { .. }
            | Syscall::Writev { .. }
            | Syscall::Sendmsg { .. }
            | Syscall::Recvmsg { .. } => self.files(call),
            Syscall::Fork
            | Syscall::Vfork
            | Syscall::Clone { .. }
            | Syscall::Unshare { .. }
            | Syscall::Execve
            | Syscall::Exit { .. }
            | Syscall::ExitGroup { .. }
            | Syscall::Kill { .. }
            | Syscall::Tgkill { .. }
            | Syscall::Sigprocmask { .. }
            | Syscall::Sigaction { .. }
            | Syscall::Wait4 { .. }
            | Syscall::Getpid
            | Syscall::SetNofile { .. } => self.processes(call),
            Syscall::PidfdOpen { .. }
            | Syscall::PidfdGetfd { .. }
            | Syscall::Kcmp { .. }
            | Syscall::IoUringSetup { .. }
            | Syscall::IoUringRegisterFiles { .. }
            | Syscall::IoUringUnregisterFiles { .. } => self.holders(call),
        }
    }
}

fn int(value: i32) -> u64 {
    i64::from(value) as u64
}

fn num(fd: Fd) -> u64 {
    int(fd.0)
}

fn plain(nr: i64, args: &[u64]) -> Request {
    replying(nr, args, Reply::Value)
}

fn replying(nr: i64, given: &[u64], reply: Reply) -> Request {
    let mut args = [0; 6];
    args[..given.len()].copy_from_slice(given);
    Request {
        nr,
        args,
        waits: Waits::Never,
        reply,
        needs_guard: false,
    }
}

fn waiting(nr: i64, args: &[u64], reply: Reply) -> Request {
    Request {
        waits: Waits::Asleep,
        ..replying(nr, args, reply)
    }
}
