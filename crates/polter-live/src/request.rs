//! A typed call as the kernel takes it: a number, six arguments, and memory.

use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::scratch::Scratch;
use crate::sys::layout::{Address, SPARE, Slot};
use crate::sys::worker;
use eventpoll::syscall::{
    Buffer, EpollParams, Fcntl, Ioctl, Kcmp, PathKind, SigAction, SigMask, TimerSpec, UserTimespec,
    flags,
};
use eventpoll::{EPIOCADOPT, EpollEvent, Fd, Pid, PollFd, Syscall};
use std::ffi::CString;

/// `F_DUPFD_QUERY`, since Linux 6.10.
const F_DUPFD_QUERY: i32 = 1027;
/// `_IOW(0x8a, 1, struct epoll_params)`.
const EPIOCSPARAMS: u32 = 0x4008_8a01;
/// `_IOR(0x8a, 2, struct epoll_params)`.
const EPIOCGPARAMS: u32 = 0x8008_8a02;
/// `IORING_REGISTER_FILES`.
const IORING_REGISTER_FILES: u32 = 2;
/// `IORING_UNREGISTER_FILES`.
const IORING_UNREGISTER_FILES: u32 = 3;
/// `sizeof(struct io_uring_params)`.
const IO_URING_PARAMS_LEN: u64 = 120;
/// `SA_RESTORER`: the kernel insists on it on x86-64.
const SA_RESTORER: u64 = 0x0400_0000;
/// The size of a signal set in the kernel.
const SIGSET_LEN: u64 = 8;
/// `sizeof(struct epoll_event)`: packed on x86-64.
pub(crate) const EVENT_LEN: u64 = 12;
/// Room for so many events where there is "memory enough".
const EVENTS_ENOUGH: u64 = 100_000;
/// The most a single read is given room for.
const READ_ENOUGH: u64 = 2 << 20;
/// `sizeof(struct cmsghdr)`.
pub(crate) const CMSG_HEADER_LEN: u64 = 16;
/// Flags from here on are `clone3(2)`'s only.
const FIRST_CLONE3_FLAG: u64 = 1 << 32;

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
    /// The hard limit of open files.
    pub(crate) hard_nofile: u64,
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

    fn polling(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::EpollCreate { size } => plain(libc::SYS_epoll_create, &[int(size)]),
            Syscall::EpollCreate1 { flags } => plain(libc::SYS_epoll_create1, &[flags.into()]),
            Syscall::EpollCtl {
                epfd,
                op,
                fd,
                event,
            } => {
                let event = self.event(event)?;
                plain(libc::SYS_epoll_ctl, &[num(epfd), op.into(), num(fd), event])
            }
            Syscall::EpollWait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
            } => {
                let at = self.events(buffer, maxevents)?;
                let args = [num(epfd), at.0, int(maxevents), int(timeout_ms)];
                waiting(libc::SYS_epoll_wait, &args, Reply::Events(at))
            }
            Syscall::EpollPwait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
                mask,
            } => {
                let at = self.events(buffer, maxevents)?;
                let [mask, len] = self.mask(mask)?;
                let args = [num(epfd), at.0, int(maxevents), int(timeout_ms), mask, len];
                waiting(libc::SYS_epoll_pwait, &args, Reply::Events(at))
            }
            Syscall::EpollPwait2 {
                epfd,
                buffer,
                maxevents,
                timeout,
                mask,
            } => {
                let at = self.events(buffer, maxevents)?;
                let timeout = self.timespec(timeout)?;
                let [mask, len] = self.mask(mask)?;
                let args = [num(epfd), at.0, int(maxevents), timeout, mask, len];
                waiting(libc::SYS_epoll_pwait2, &args, Reply::Events(at))
            }
            Syscall::Poll {
                ref fds,
                timeout_ms,
            } => {
                let at = self.poll_fds(fds)?;
                let args = [at.0, fds.len() as u64, int(timeout_ms)];
                waiting(libc::SYS_poll, &args, Reply::Polled(at, fds.clone()))
            }
            Syscall::Ppoll {
                ref fds,
                timeout,
                mask,
            } => {
                let at = self.poll_fds(fds)?;
                let timeout = self.timespec(timeout)?;
                let [mask, len] = self.mask(mask)?;
                let args = [at.0, fds.len() as u64, timeout, mask, len];
                waiting(libc::SYS_ppoll, &args, Reply::Polled(at, fds.clone()))
            }
            _ => unreachable!("sorted by `call`"),
        })
    }

    fn descriptors(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::Dup { fd } => plain(libc::SYS_dup, &[num(fd)]),
            Syscall::Dup2 { fd, new_fd } => plain(libc::SYS_dup2, &[num(fd), num(new_fd)]),
            Syscall::Dup3 { fd, new_fd, flags } => {
                plain(libc::SYS_dup3, &[num(fd), num(new_fd), flags.into()])
            }
            Syscall::Fcntl { fd, cmd } => {
                let (cmd, arg) = fcntl(cmd);
                plain(libc::SYS_fcntl, &[num(fd), int(cmd), arg])
            }
            Syscall::Close { fd } => plain(libc::SYS_close, &[num(fd)]),
            Syscall::CloseRange { first, last, flags } => plain(
                libc::SYS_close_range,
                &[first.into(), last.into(), flags.into()],
            ),
            Syscall::Ioctl { fd, request } => return self.ioctl(fd, request),
            Syscall::Lseek { fd, offset, whence } => {
                plain(libc::SYS_lseek, &[num(fd), offset as u64, int(whence)])
            }
            Syscall::Open { path, flags } => return self.open(path, flags),
            _ => unreachable!("sorted by `call`"),
        })
    }

    fn files(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::Pipe2 { flags } => {
                let at = self.memory.reserve(8)?;
                replying(libc::SYS_pipe2, &[at.0, flags.into()], Reply::Pair(at))
            }
            Syscall::Eventfd2 { count, flags } => {
                plain(libc::SYS_eventfd2, &[count.into(), flags.into()])
            }
            Syscall::TimerfdCreate { clock, flags } => {
                plain(libc::SYS_timerfd_create, &[int(clock), flags.into()])
            }
            Syscall::TimerfdSettime { fd, flags, new } => {
                let new = self.memory.put_words(&timer(new))?;
                let old = self.memory.reserve(32)?;
                let args = [num(fd), flags.into(), new.0, old.0];
                replying(libc::SYS_timerfd_settime, &args, Reply::Timer(old))
            }
            Syscall::TimerfdGettime { fd } => {
                let at = self.memory.reserve(32)?;
                replying(
                    libc::SYS_timerfd_gettime,
                    &[num(fd), at.0],
                    Reply::Timer(at),
                )
            }
            Syscall::Signalfd4 { fd, mask, flags } => {
                let mask = self.memory.put_words(&[mask])?;
                let args = [num(fd), mask.0, SIGSET_LEN, flags.into()];
                plain(libc::SYS_signalfd4, &args)
            }
            Syscall::Socket {
                domain,
                kind,
                protocol,
            } => plain(libc::SYS_socket, &[int(domain), kind.into(), int(protocol)]),
            Syscall::Socketpair {
                domain,
                kind,
                protocol,
            } => {
                let at = self.memory.reserve(8)?;
                let args = [int(domain), kind.into(), int(protocol), at.0];
                replying(libc::SYS_socketpair, &args, Reply::Pair(at))
            }
            Syscall::Accept4 { fd, flags } => waiting(
                libc::SYS_accept4,
                &[num(fd), 0, 0, flags.into()],
                Reply::Value,
            ),
            Syscall::Shutdown { fd, how } => plain(libc::SYS_shutdown, &[num(fd), int(how)]),
            Syscall::Read { fd, len } => {
                // Longer than the address space is an error; longer than any file is not.
                let room = if len > i64::MAX as u64 {
                    len
                } else {
                    len.min(READ_ENOUGH)
                };
                let at = self.memory.reserve(room.min(READ_ENOUGH))?;
                waiting(libc::SYS_read, &[num(fd), at.0, room], Reply::Read(fd, at))
            }
            Syscall::Write { fd, len, first } => {
                let at = self.memory.put_filler(&first.to_ne_bytes(), len)?;
                waiting(libc::SYS_write, &[num(fd), at.0, len], Reply::Value)
            }
            Syscall::Sendmsg {
                fd,
                len,
                ref rights,
                flags,
            } => {
                let data = self.memory.put_filler(&[], len)?;
                let control = self.rights(rights)?;
                let message = self.message([data.0, len], control)?;
                let args = [num(fd), message.0, flags.into()];
                waiting(libc::SYS_sendmsg, &args, Reply::Value)
            }
            Syscall::Recvmsg {
                fd,
                len,
                room,
                flags,
            } => {
                let len = len.min(READ_ENOUGH);
                let data = self.memory.reserve(len)?;
                // Exactly so much: with its padding there might be room for one more.
                let control_len = match room {
                    0 => 0,
                    room => CMSG_HEADER_LEN + 4 * u64::from(room),
                };
                let control = self.memory.reserve(control_len)?;
                let message = self.message([data.0, len], [control.0, control_len])?;
                let args = [num(fd), message.0, flags.into()];
                waiting(
                    libc::SYS_recvmsg,
                    &args,
                    Reply::Received { message, control },
                )
            }
            _ => unreachable!("sorted by `call`"),
        })
    }

    fn processes(&mut self, call: &Syscall) -> Encoded {
        let real_fn = self.around.real_fn;
        Ok(match *call {
            Syscall::Fork => replying(libc::SYS_fork, &[], Reply::Child { pidfd: None }),
            Syscall::Vfork => Request {
                waits: Waits::ForChild,
                ..replying(libc::SYS_vfork, &[], Reply::Child { pidfd: None })
            },
            Syscall::Clone { flags } => return self.clone_task(flags),
            Syscall::Unshare { flags } => plain(libc::SYS_unshare, &[flags]),
            Syscall::Execve => {
                let path = self.memory.put_str(self.around.image)?;
                let region = self.memory.put_str(self.around.region)?;
                let slot = self.memory.put(&[self.around.slot.0 as u8, 0])?;
                let argv = self.memory.put_words(&[region.0, slot.0, 0])?;
                let envp = self.memory.put_words(&[0])?;
                plain(libc::SYS_execve, &[path.0, argv.0, envp.0])
            }
            Syscall::Exit { status } => plain(libc::SYS_exit, &[int(status)]),
            Syscall::ExitGroup { status } => plain(libc::SYS_exit_group, &[int(status)]),
            Syscall::Kill { pid, .. } if pid.0 <= 0 => {
                // A group, or everything: not only the script's.
                return Err(ExecutorError::NotAvailable("kill of more than one process"));
            }
            Syscall::Kill { pid, signal } => {
                plain(libc::SYS_kill, &[int(real_fn(pid)), signal.into()])
            }
            Syscall::Tgkill { pid, tid, signal } => {
                let args = [int(real_fn(pid)), int(real_fn(tid)), signal.into()];
                plain(libc::SYS_tgkill, &args)
            }
            Syscall::Sigprocmask { how, set } => {
                let set = self.memory.put_words(&[set])?;
                let old = self.memory.reserve(8)?;
                let args = [int(how), set.0, old.0, SIGSET_LEN];
                replying(libc::SYS_rt_sigprocmask, &args, Reply::Mask(old))
            }
            Syscall::Sigaction { signal, action } => {
                let action = self.memory.put_words(&sigaction(action))?;
                let args = [signal.into(), action.0, 0, SIGSET_LEN];
                plain(libc::SYS_rt_sigaction, &args)
            }
            Syscall::Wait4 { pid, options } => {
                let status = self.memory.reserve(4)?;
                let args = [int(real_fn(pid)), status.0, options.into(), 0];
                waiting(libc::SYS_wait4, &args, Reply::Status(status))
            }
            Syscall::Getpid => replying(libc::SYS_getpid, &[], Reply::Pid),
            Syscall::SetNofile { soft } => {
                let limit = [soft, self.around.hard_nofile];
                let limit = self.memory.put_words(&limit)?;
                let args = [0, libc::RLIMIT_NOFILE.into(), limit.0, 0];
                plain(libc::SYS_prlimit64, &args)
            }
            _ => unreachable!("sorted by `call`"),
        })
    }

    fn holders(&mut self, call: &Syscall) -> Encoded {
        let real_fn = self.around.real_fn;
        Ok(match *call {
            Syscall::PidfdOpen { pid, flags } => {
                plain(libc::SYS_pidfd_open, &[int(real_fn(pid)), flags.into()])
            }
            Syscall::PidfdGetfd {
                pidfd,
                target,
                flags,
            } => plain(
                libc::SYS_pidfd_getfd,
                &[num(pidfd), num(target), flags.into()],
            ),
            Syscall::Kcmp { pid1, pid2, what } => {
                let [kind, a, b] = self.kcmp(what)?;
                let args = [int(real_fn(pid1)), int(real_fn(pid2)), kind, a, b];
                plain(libc::SYS_kcmp, &args)
            }
            Syscall::IoUringSetup { entries } => {
                let params = self.memory.reserve(IO_URING_PARAMS_LEN)?;
                plain(libc::SYS_io_uring_setup, &[entries.into(), params.0])
            }
            Syscall::IoUringRegisterFiles { ring, ref files } => {
                let list: Vec<i32> = files.iter().map(|fd| fd.0).collect();
                let list = self.memory.put_ints(&list)?;
                let op = IORING_REGISTER_FILES.into();
                let args = [num(ring), op, list.0, files.len() as u64];
                plain(libc::SYS_io_uring_register, &args)
            }
            Syscall::IoUringUnregisterFiles { ring } => {
                let op = IORING_UNREGISTER_FILES.into();
                plain(libc::SYS_io_uring_register, &[num(ring), op, 0, 0])
            }
            _ => unreachable!("sorted by `call`"),
        })
    }

    fn clone_task(&mut self, flags: u64) -> Encoded {
        let spare = self
            .around
            .child
            .map_or(Address::NULL, |slot| slot.at(SPARE));
        let pidfd = self.memory.reserve(4)?;
        let mut request = if flags < FIRST_CLONE3_FLAG {
            let args = [flags | libc::SIGCHLD as u64, 0, pidfd.0, spare.0, 0];
            plain(libc::SYS_clone, &args)
        } else {
            let exit_signal = match flags & (flags::CLONE_THREAD | flags::CLONE_PARENT) {
                0 => libc::SIGCHLD as u64,
                _ => 0,
            };
            let args = [flags, pidfd.0, spare.0, spare.0, exit_signal, 0, 0, 0];
            let at = self.memory.put_words(&args)?;
            plain(libc::SYS_clone3, &[at.0, size_of_val(&args) as u64])
        };
        if flags & flags::CLONE_VFORK != 0 {
            request.waits = Waits::ForChild;
        }
        request.reply = Reply::Child {
            pidfd: (flags & flags::CLONE_PIDFD != 0).then_some(pidfd),
        };
        Ok(request)
    }

    fn ioctl(&mut self, fd: Fd, request: Ioctl) -> Encoded {
        let nr = libc::SYS_ioctl;
        let plainly = |request: u64, arg: Address| plain(nr, &[num(fd), request, arg.0]);
        Ok(match request {
            Ioctl::Fionbio(on) => {
                let on = self.memory.put_ints(&[on.into()])?;
                plainly(libc::FIONBIO, on)
            }
            Ioctl::Fioclex => plainly(libc::FIOCLEX, Address::NULL),
            Ioctl::Fionclex => plainly(libc::FIONCLEX, Address::NULL),
            Ioctl::Fionread => {
                let at = self.memory.reserve(4)?;
                replying(nr, &[num(fd), libc::FIONREAD, at.0], Reply::Available(at))
            }
            Ioctl::SetEpollParams(params) => {
                let params = self.memory.put(&epoll_params(params))?;
                plainly(EPIOCSPARAMS.into(), params)
            }
            Ioctl::GetEpollParams => {
                let at = self.memory.reserve(8)?;
                let args = [num(fd), EPIOCGPARAMS.into(), at.0];
                replying(nr, &args, Reply::Params(at))
            }
            Ioctl::EpollAdopt => plainly(EPIOCADOPT.into(), Address::NULL),
            Ioctl::Other(request) => {
                let arg = self.memory.reserve(1024)?;
                plainly(request.into(), arg)
            }
            Ioctl::ExportBuffer | Ioctl::AddFence | Ioctl::SignalFence => {
                return Err(ExecutorError::NotAvailable("the modelled device"));
            }
        })
    }

    /// The call's promise is that the file is there and may be opened, so
    /// what would make or refuse it is left out of the flags.
    fn open(&mut self, path: PathKind, flags: u32) -> Encoded {
        let harmless = !(libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC | libc::O_NOFOLLOW) as u32;
        let (path, flags) = match path {
            PathKind::Regular => (self.around.regular.as_c_str(), flags & harmless),
            PathKind::Directory => (c"/", flags & harmless & !flags::O_ACCMODE),
            PathKind::Pollable => (c"/proc/self/mounts", flags & harmless & !flags::O_ACCMODE),
            PathKind::Device => return Err(ExecutorError::NotAvailable("the modelled device")),
        };
        let path = self.memory.put_str(path)?;
        let args = [int(libc::AT_FDCWD), path.0, flags.into(), 0];
        Ok(plain(libc::SYS_openat, &args))
    }

    fn kcmp(&mut self, what: Kcmp) -> Result<[u64; 3], ExecutorError> {
        const KCMP_FILE: u64 = 0;
        const KCMP_FILES: u64 = 2;
        const KCMP_EPOLL_TFD: u64 = 7;
        Ok(match what {
            Kcmp::File { fd1, fd2 } => [KCMP_FILE, num(fd1), num(fd2)],
            Kcmp::Files => [KCMP_FILES, 0, 0],
            Kcmp::Other(kind) => [u64::from(kind as u32), 0, 0],
            Kcmp::EpollTfd {
                fd1,
                efd,
                tfd,
                toff,
            } => {
                let slot = self.memory.put_ints(&[efd.0, tfd.0, toff as i32])?;
                [KCMP_EPOLL_TFD, num(fd1), slot.0]
            }
        })
    }

    fn event(&mut self, event: Option<EpollEvent>) -> Result<u64, ExecutorError> {
        let Some(event) = event else {
            return Ok(Address::NULL.0);
        };
        let mut bytes = [0; EVENT_LEN as usize];
        bytes[..4].copy_from_slice(&event.events.bits().to_ne_bytes());
        bytes[4..].copy_from_slice(&event.data.to_ne_bytes());
        Ok(self.memory.put(&bytes)?.0)
    }

    fn events(&mut self, buffer: Buffer, maxevents: i32) -> Result<Address, ExecutorError> {
        match buffer {
            Buffer::Mapped => {
                let room = (maxevents.max(0) as u64).min(EVENTS_ENOUGH);
                self.memory.reserve(room * EVENT_LEN)
            }
            Buffer::Faults(0) => Ok(Address::NULL),
            Buffer::Faults(room) => self.memory.before_guard(u64::from(room) * EVENT_LEN),
            Buffer::KernelSpace => Ok(Address::KERNEL),
        }
    }

    fn poll_fds(&mut self, fds: &[PollFd]) -> Result<Address, ExecutorError> {
        let bytes: Vec<u8> = fds.iter().flat_map(poll_fd).collect();
        self.memory.put(&bytes)
    }

    fn mask(&mut self, mask: SigMask) -> Result<[u64; 2], ExecutorError> {
        Ok(match mask {
            SigMask::Null => [Address::NULL.0, SIGSET_LEN],
            SigMask::Set(set) => [self.memory.put_words(&[set])?.0, SIGSET_LEN],
            SigMask::WrongSize => [self.memory.put_words(&[0])?.0, SIGSET_LEN / 2],
            SigMask::Faults => [Address::FAULTS.0, SIGSET_LEN],
        })
    }

    fn timespec(&mut self, time: UserTimespec) -> Result<u64, ExecutorError> {
        Ok(match time {
            UserTimespec::Null => Address::NULL.0,
            UserTimespec::Time { sec, nsec } => {
                self.memory.put_words(&[sec as u64, nsec as u64])?.0
            }
            UserTimespec::Faults => Address::FAULTS.0,
        })
    }

    /// A control message with descriptors: where it is, and how long.
    fn rights(&mut self, rights: &[Fd]) -> Result<[u64; 2], ExecutorError> {
        if rights.is_empty() {
            return Ok([Address::NULL.0, 0]);
        }
        let len = CMSG_HEADER_LEN + 4 * rights.len() as u64;
        let mut bytes = len.to_ne_bytes().to_vec();
        let ints = [libc::SOL_SOCKET, libc::SCM_RIGHTS].into_iter();
        for int in ints.chain(rights.iter().map(|fd| fd.0)) {
            bytes.extend(int.to_ne_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let at = self.memory.put(&bytes)?;
        Ok([at.0, bytes.len() as u64])
    }

    /// A `struct msghdr` for one piece of data and one of control.
    fn message(&mut self, data: [u64; 2], control: [u64; 2]) -> Result<Address, ExecutorError> {
        let vector = self.memory.put_words(&data)?;
        self.memory
            .put_words(&[0, 0, vector.0, 1, control[0], control[1], 0])
    }
}

fn fcntl(cmd: Fcntl) -> (i32, u64) {
    match cmd {
        Fcntl::DupFd(from) => (libc::F_DUPFD, int(from)),
        Fcntl::DupFdCloexec(from) => (libc::F_DUPFD_CLOEXEC, int(from)),
        Fcntl::GetFd => (libc::F_GETFD, 0),
        Fcntl::SetFd(flags) => (libc::F_SETFD, flags.into()),
        Fcntl::GetFl => (libc::F_GETFL, 0),
        Fcntl::SetFl(flags) => (libc::F_SETFL, flags.into()),
        Fcntl::DupFdQuery(fd) => (F_DUPFD_QUERY, num(fd)),
        Fcntl::SetPipeSize(size) => (libc::F_SETPIPE_SZ, size.into()),
        Fcntl::GetPipeSize => (libc::F_GETPIPE_SZ, 0),
        Fcntl::Other(cmd) => (cmd, 0),
    }
}

fn sigaction(action: SigAction) -> [u64; 4] {
    match action {
        SigAction::Default => [libc::SIG_DFL as u64, 0, 0, 0],
        SigAction::Ignore => [libc::SIG_IGN as u64, 0, 0, 0],
        SigAction::Handler { restart } => {
            let restart = if restart { libc::SA_RESTART as u64 } else { 0 };
            let flags = SA_RESTORER | restart;
            [
                worker::handler_address(),
                flags,
                worker::restorer_address(),
                0,
            ]
        }
    }
}

fn timer(spec: TimerSpec) -> [u64; 4] {
    const SECOND: u64 = 1_000_000_000;
    let [interval, value] = [spec.interval_ns, spec.value_ns];
    [
        interval / SECOND,
        interval % SECOND,
        value / SECOND,
        value % SECOND,
    ]
}

fn epoll_params(params: EpollParams) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&params.busy_poll_usecs.to_ne_bytes());
    bytes[4..6].copy_from_slice(&params.busy_poll_budget.to_ne_bytes());
    bytes[6] = params.prefer_busy_poll;
    bytes[7] = params.pad;
    bytes
}

fn poll_fd(entry: &PollFd) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&entry.fd.0.to_ne_bytes());
    bytes[4..6].copy_from_slice(&(entry.events.bits() as u16).to_ne_bytes());
    bytes
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
