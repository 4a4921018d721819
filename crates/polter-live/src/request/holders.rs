//! What else holds files, or tells who does.

use super::{Encoded, Encoder, int, num, plain};
use crate::error::ExecutorError;
use eventpoll::Syscall;
use eventpoll::syscall::Kcmp;

/// `IORING_REGISTER_FILES`.
const IORING_REGISTER_FILES: u32 = 2;
/// `IORING_UNREGISTER_FILES`.
const IORING_UNREGISTER_FILES: u32 = 3;
/// `sizeof(struct io_uring_params)`.
const IO_URING_PARAMS_LEN: u64 = 120;

impl Encoder<'_, '_> {
    pub(super) fn holders(&mut self, call: &Syscall) -> Encoded {
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
}
