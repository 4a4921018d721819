//! Tasks, their signals and limits.

use super::{Encoded, Encoder, Request, SIGSET_LEN, Waits, int, plain, replying, waiting};
use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::sys::abi;
use crate::sys::layout::{Address, SPARE};
use crate::sys::worker;
use eventpoll::Syscall;
use eventpoll::syscall::{SigAction, flags};

/// `SA_RESTORER`: the kernel insists on it on x86-64, and knows it on aarch64.
const SA_RESTORER: u64 = 0x0400_0000;
/// Flags from here on are `clone3(2)`'s only.
const FIRST_CLONE3_FLAG: u64 = 1 << 32;

impl Encoder<'_, '_> {
    pub(super) fn processes(&mut self, call: &Syscall) -> Encoded {
        let real_fn = self.around.real_fn;
        Ok(match *call {
            Syscall::Fork => self.fork(Reply::Child { pidfd: None }),
            Syscall::Vfork => Request {
                waits: Waits::ForChild,
                ..self.vfork(Reply::Child { pidfd: None })
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
            Syscall::SetNofile { soft, hard } => {
                let limit = self.memory.put_words(&[soft, hard])?;
                let args = [0, abi::RLIMIT_NOFILE, limit.0, 0];
                plain(libc::SYS_prlimit64, &args)
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
        let exit_signal = match flags & (flags::CLONE_THREAD | flags::CLONE_PARENT) {
            0 => libc::SIGCHLD as u64,
            _ => 0,
        };
        let mut request = if flags < FIRST_CLONE3_FLAG {
            // A thread tells nobody.
            let args = Self::clone_args(flags | exit_signal, pidfd, spare);
            plain(libc::SYS_clone, &args)
        } else {
            let args = [
                flags,
                pidfd.0,
                spare.0,
                spare.0,
                exit_signal,
                0,
                0,
                0,
                0,
                0,
                0,
            ];
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
