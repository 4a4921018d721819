//! A row for each system call, and those whose arguments are looked at before a room does the work.

use crate::abi::{Outcome, PathKind, Return, flags};
use crate::fs::Opaque;
use crate::store::{Fd, Pid, Tid};
use crate::wait::{Call, Timeout};
use crate::{Errno, Kernel, Syscall};

/// `WNOHANG`, `WUNTRACED`, `WCONTINUED`, and the three for threads and clones.
const WAIT_OPTIONS: u32 = 0xe000_000b;

impl Kernel {
    #[inline(always)]
    pub(crate) fn dispatch(&mut self, caller: Tid, call: &Syscall) -> Outcome {
        use Syscall as S;
        match *call {
            S::EpollCreate { size } => done(self.epoll_create(caller, size)),
            S::EpollCreate1 { flags } => done(self.epoll_create1(caller, flags)),
            S::EpollCtl {
                epfd,
                op,
                fd,
                event,
            } => done(self.epoll_ctl(caller, epfd, op, fd, event)),
            S::EpollWait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
            } => self.epoll_wait(caller, epfd, buffer, maxevents, timeout_ms),
            S::EpollPwait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
                mask,
            } => self.epoll_pwait(caller, epfd, buffer, maxevents, timeout_ms, mask),
            S::EpollPwait2 {
                epfd,
                buffer,
                maxevents,
                timeout,
                mask,
            } => self.epoll_pwait2(caller, epfd, buffer, maxevents, timeout, mask),
            S::Poll {
                ref fds,
                timeout_ms,
            } => {
                let timeout = self.timeout_in_ms(timeout_ms);
                self.poll(caller, fds, timeout, None)
            }
            S::Ppoll {
                ref fds,
                timeout,
                mask,
            } => self.ppoll(caller, fds, timeout, mask),
            S::Dup { fd } => done(self.dup(caller, fd)),
            S::Dup2 { fd, new_fd } => done(self.dup2(caller, fd, new_fd)),
            S::Dup3 { fd, new_fd, flags } => done(self.dup3(caller, fd, new_fd, flags)),
            S::Fcntl { fd, cmd } => done(self.fcntl(caller, fd, cmd)),
            S::Close { fd } => done(self.close(caller, fd)),
            S::CloseRange { first, last, flags } => {
                done(self.close_range(caller, first, last, flags))
            }
            S::Ioctl { fd, request } => done(self.ioctl(caller, fd, request)),
            S::Pipe2 { flags } => done(self.pipe2(caller, flags)),
            S::Eventfd2 { count, flags } => done(self.eventfd(caller, count, flags)),
            S::TimerfdCreate { clock, flags } => done(self.timerfd_create(caller, clock, flags)),
            S::TimerfdSettime { fd, flags, new } => {
                done(self.timerfd_settime(caller, fd, flags, new))
            }
            S::TimerfdGettime { fd } => done(self.timerfd_gettime(caller, fd)),
            S::Signalfd4 { fd, mask, flags } => done(self.signalfd(caller, fd, mask, flags)),
            S::Socket {
                domain,
                kind,
                protocol,
            } => done(self.socket(caller, domain, kind, protocol)),
            S::Socketpair {
                domain,
                kind,
                protocol,
            } => done(self.socketpair(caller, domain, kind, protocol)),
            S::Accept4 { fd, flags } => done(self.accept(caller, fd, flags)),
            S::Shutdown { fd, how } => done(self.shutdown(caller, fd, how)),
            S::Open { path, flags } => done(self.open(caller, path, flags)),
            S::Read { fd, len } => self.read(caller, fd, len),
            S::Write { fd, len, first } => self.write(caller, fd, len, first),
            S::Sendmsg {
                fd,
                len,
                ref rights,
                flags,
            } => self.sendmsg(caller, fd, len, rights, flags),
            S::Recvmsg {
                fd,
                len,
                room,
                flags,
            } => self.recvmsg(caller, fd, len, room, flags),
            S::Readv { fd, ref lens } => self.readv(caller, fd, lens),
            S::Writev { fd, ref pieces } => self.writev(caller, fd, pieces),
            S::Lseek { fd, offset, whence } => {
                done(self.lseek(caller, fd, offset, whence).map(Return::value))
            }
            S::Fork => self.clone_or_vfork(caller, 0),
            S::Vfork => self.vfork(caller, flags::CLONE_VM),
            S::Clone { flags } => self.clone_or_vfork(caller, flags),
            S::Unshare { flags } => done(self.unshare(caller, flags)),
            S::Execve => {
                self.execve(caller);
                done(Ok(()))
            }
            S::Exit { status } => {
                self.exit(caller, status);
                Outcome::Gone
            }
            S::ExitGroup { status } => {
                self.exit_group(caller, status);
                Outcome::Gone
            }
            S::Kill { pid, signal } => done(self.kill(pid, signal)),
            S::Tgkill { pid, tid, signal } => done(self.tgkill(pid, tid, signal)),
            S::Sigprocmask { how, set } => done(self.sigprocmask(caller, how, set)),
            S::Sigaction { signal, action } => done(self.sigaction(caller, signal, action)),
            S::Wait4 { pid, options } => self.wait4(caller, pid, options),
            S::Getpid => done(Ok(Return::value(self.process_pid(caller).0.into()))),
            S::SetNofile { soft, hard } => done(self.set_nofile(caller, soft, hard)),
            S::PidfdOpen { pid, flags } => done(self.pidfd_open(caller, pid, flags)),
            S::PidfdGetfd {
                pidfd,
                target,
                flags,
            } => done(self.pidfd_getfd(caller, pidfd, target, flags)),
            S::Kcmp { pid1, pid2, what } => done(self.kcmp(pid1, pid2, what).map(Return::value)),
            S::IoUringSetup { entries } => done(self.io_uring_setup(caller, entries)),
            S::IoUringRegisterFiles { ring, ref files } => {
                done(self.io_uring_register_files(caller, ring, files))
            }
            S::IoUringUnregisterFiles { ring } => {
                done(self.io_uring_unregister_files(caller, ring))
            }
        }
    }

    fn clone_or_vfork(&mut self, caller: Tid, flags: u64) -> Outcome {
        if flags & flags::CLONE_VFORK != 0 {
            return self.vfork(caller, flags);
        }
        done(self.clone_task(caller, flags).map(|(pid, pidfd)| {
            let out = pidfd.map_or_else(Default::default, crate::Out::Pidfd);
            Return::with(pid.0.into(), out)
        }))
    }

    /// `wait4(2)` of one child, a group's children or any child.
    fn wait4(&mut self, caller: Tid, pid: Pid, options: u32) -> Outcome {
        if options & !WAIT_OPTIONS != 0 {
            return Outcome::Done(Err(Errno::EINVAL));
        }
        if options & flags::WCLONE != 0 && options & flags::WALL == 0 {
            // Every child tells its end by SIGCHLD, and so is no "clone" child.
            return Outcome::Done(Err(Errno::ECHILD));
        }
        let timeout = if options & flags::WNOHANG != 0 {
            Timeout::None
        } else {
            Timeout::Endless
        };
        self.begin(caller, Call::Wait4 { pid }, timeout, None)
    }

    /// `open(2)`: always found and always allowed.
    fn open(&mut self, caller: Tid, path: PathKind, flags: u32) -> Result<Fd, Errno> {
        if flags & flags::O_PATH != 0 {
            let shown = flags::O_PATH | flags & flags::O_CLOEXEC;
            return self.open_opaque(caller, Opaque::Path, shown);
        }
        // O_CREAT, O_EXCL, O_NOCTTY and O_TRUNC are for the opening alone.
        let flags = flags & !0o1700 | flags::O_LARGEFILE;
        match path {
            PathKind::Regular => self.open_opaque(caller, Opaque::NotPollable, flags),
            PathKind::Directory => self.open_opaque(caller, Opaque::Directory, flags),
            PathKind::Null => self.open_opaque(caller, Opaque::Null, flags),
            PathKind::Zero => self.open_opaque(caller, Opaque::Zero, flags),
            PathKind::Pollable => self.open_opaque(caller, Opaque::Pollable, flags),
            PathKind::Device => self.open_device(caller, flags),
        }
    }
}

pub(crate) fn done<T: Into<Return>>(result: Result<T, Errno>) -> Outcome {
    Outcome::Done(result.map(Into::into))
}
