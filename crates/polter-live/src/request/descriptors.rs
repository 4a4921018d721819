//! What works on any descriptor, and open.

use super::{Encoded, Encoder, int, num, plain, replying};
use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::sys::abi;
use crate::sys::layout::Address;
use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, PathKind};
use eventpoll::{EPIOCADOPT, Fd, Syscall};

/// `F_DUPFD_QUERY`, since Linux 6.10.
const F_DUPFD_QUERY: i32 = 1027;
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;
/// `_IOW(0x8a, 1, struct epoll_params)`.
const EPIOCSPARAMS: u32 = 0x4008_8a01;
/// `_IOR(0x8a, 2, struct epoll_params)`.
const EPIOCGPARAMS: u32 = 0x8008_8a02;

impl Encoder<'_, '_> {
    pub(super) fn descriptors(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::Dup { fd } => plain(libc::SYS_dup, &[num(fd)]),
            Syscall::Dup2 { fd, new_fd } => return self.dup2(fd, new_fd),
            Syscall::Dup3 { fd, new_fd, flags } => {
                plain(libc::SYS_dup3, &[num(fd), num(new_fd), flags.into()])
            }
            Syscall::Fcntl { fd, cmd } => {
                let reply = match cmd {
                    Fcntl::GetFl => Reply::Flags,
                    _ => Reply::Value,
                };
                let (cmd, arg) = fcntl(cmd);
                replying(libc::SYS_fcntl, &[num(fd), int(cmd), arg], reply)
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

    fn ioctl(&mut self, fd: Fd, request: Ioctl) -> Encoded {
        let nr = libc::SYS_ioctl;
        let plainly = |request: u64, arg: Address| plain(nr, &[num(fd), request, arg.0]);
        Ok(match request {
            Ioctl::Fionbio(on) => {
                let on = self.memory.put_ints(&[on.into()])?;
                plainly(abi::FIONBIO, on)
            }
            Ioctl::Fioclex => plainly(abi::FIOCLEX, Address::NULL),
            Ioctl::Fionclex => plainly(abi::FIONCLEX, Address::NULL),
            Ioctl::Fionread => {
                let at = self.memory.reserve(4)?;
                replying(nr, &[num(fd), abi::FIONREAD, at.0], Reply::Available(at))
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

    /// The call's promise is that the file is there and may be opened: what would make,
    /// refuse or empty it is not asked for.
    fn open(&mut self, path: PathKind, flags: u32) -> Encoded {
        const UNASKED: i32 =
            libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC | libc::O_NOFOLLOW | libc::O_TMPFILE;
        let flags = abi::kernel_flags(flags);
        let unasked = flags & UNASKED as u32 & !(libc::O_DIRECTORY as u32);
        if unasked != 0 {
            return Err(ExecutorError::NotAvailable(
                "opening with O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW or O_TMPFILE",
            ));
        }
        let path = match path {
            PathKind::Regular => self.around.regular.as_c_str(),
            PathKind::Directory => c"/tmp/",
            PathKind::Null => c"/dev/null",
            PathKind::Zero => c"/dev/zero",
            PathKind::Pollable => c"/proc/self/mounts",
            PathKind::Device => return Err(ExecutorError::NotAvailable("the modelled device")),
        };
        let path = self.memory.put_str(path)?;
        let args = [int(libc::AT_FDCWD), path.0, flags.into(), 0];
        Ok(plain(libc::SYS_openat, &args))
    }
}

fn fcntl(cmd: Fcntl) -> (i32, u64) {
    match cmd {
        Fcntl::DupFd(from) => (libc::F_DUPFD, int(from)),
        Fcntl::DupFdCloexec(from) => (libc::F_DUPFD_CLOEXEC, int(from)),
        Fcntl::GetFd => (libc::F_GETFD, 0),
        Fcntl::SetFd(flags) => (libc::F_SETFD, flags.into()),
        Fcntl::GetFl => (libc::F_GETFL, 0),
        Fcntl::SetFl(flags) => (libc::F_SETFL, abi::kernel_flags(flags).into()),
        Fcntl::DupFdQuery(fd) => (F_DUPFD_QUERY, num(fd)),
        Fcntl::SetPipeSize(size) => (libc::F_SETPIPE_SZ, size.into()),
        Fcntl::GetPipeSize => (libc::F_GETPIPE_SZ, 0),
        Fcntl::GetOwn => (libc::F_GETOWN, 0),
        Fcntl::SetOwn(owner) => (libc::F_SETOWN, int(owner)),
        Fcntl::GetSig => (F_GETSIG, 0),
        Fcntl::SetSig(signal) => (F_SETSIG, int(signal)),
        Fcntl::GetLease => (libc::F_GETLEASE, 0),
        Fcntl::Notify(events) => (libc::F_NOTIFY, events.into()),
        Fcntl::Other(cmd) => (cmd, 0),
    }
}

fn epoll_params(params: EpollParams) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&params.busy_poll_usecs.to_ne_bytes());
    bytes[4..6].copy_from_slice(&params.busy_poll_budget.to_ne_bytes());
    bytes[6] = params.prefer_busy_poll;
    bytes[7] = params.pad;
    bytes
}
