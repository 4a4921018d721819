//! The same, asked of a kernel that has the newer calls only.

use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::request::{Encoded, Encoder, Request, SIGSET_LEN, num, plain, replying, waiting};
use crate::sys::layout::Address;
use eventpoll::Fd;
use eventpoll::syscall::flags;

impl Encoder<'_, '_> {
    pub(in crate::request) fn dup2(&mut self, fd: Fd, new_fd: Fd) -> Encoded {
        if fd == new_fd {
            return Err(ExecutorError::NotAvailable(
                "dup2(2) onto the same fd: this architecture has dup3(2) only",
            ));
        }
        Ok(plain(libc::SYS_dup3, &[num(fd), num(new_fd), 0]))
    }

    pub(in crate::request) fn epoll_create(&mut self, size: i32) -> Encoded {
        if size <= 0 {
            return Err(ExecutorError::NotAvailable(
                "epoll_create(2) with such a size: this architecture has epoll_create1(2) only",
            ));
        }
        Ok(plain(libc::SYS_epoll_create1, &[0]))
    }

    pub(in crate::request) fn epoll_wait(&mut self, args: [u64; 4], reply: Reply) -> Encoded {
        let [epfd, events, maxevents, timeout_ms] = args;
        let mask = Address::NULL.0;
        let args = [epfd, events, maxevents, timeout_ms, mask, SIGSET_LEN];
        Ok(waiting(libc::SYS_epoll_pwait, &args, reply))
    }

    pub(in crate::request) fn poll(
        &mut self,
        at: Address,
        count: u64,
        timeout_ms: i32,
        reply: Reply,
    ) -> Encoded {
        // Every negative time is without end, as no time is.
        let timeout = match u64::try_from(timeout_ms) {
            Ok(ms) => {
                let time = [ms / 1000, ms % 1000 * 1_000_000];
                self.memory.put_words(&time)?
            }
            Err(_) => Address::NULL,
        };
        let args = [at.0, count, timeout.0, Address::NULL.0, SIGSET_LEN];
        Ok(waiting(libc::SYS_ppoll, &args, reply))
    }

    pub(in crate::request) fn fork(&mut self, reply: Reply) -> Request {
        replying(libc::SYS_clone, &[libc::SIGCHLD as u64], reply)
    }

    pub(in crate::request) fn vfork(&mut self, reply: Reply) -> Request {
        let flags = flags::CLONE_VM | flags::CLONE_VFORK | libc::SIGCHLD as u64;
        replying(libc::SYS_clone, &[flags], reply)
    }

    pub(in crate::request) fn clone_args(flags: u64, parent: Address, child: Address) -> [u64; 5] {
        [flags, 0, parent.0, 0, child.0]
    }
}
