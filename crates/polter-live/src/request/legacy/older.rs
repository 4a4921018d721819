//! The calls as x86-64 has them.

use crate::reply::Reply;
use crate::request::{Encoded, Encoder, Request, int, num, plain, replying, waiting};
use crate::sys::layout::Address;
use eventpoll::Fd;

impl Encoder<'_, '_> {
    pub(in crate::request) fn dup2(&mut self, fd: Fd, new_fd: Fd) -> Encoded {
        Ok(plain(libc::SYS_dup2, &[num(fd), num(new_fd)]))
    }

    pub(in crate::request) fn epoll_create(&mut self, size: i32) -> Encoded {
        Ok(plain(libc::SYS_epoll_create, &[int(size)]))
    }

    pub(in crate::request) fn epoll_wait(&mut self, args: [u64; 4], reply: Reply) -> Encoded {
        Ok(waiting(libc::SYS_epoll_wait, &args, reply))
    }

    pub(in crate::request) fn poll(
        &mut self,
        at: Address,
        count: u64,
        timeout_ms: i32,
        reply: Reply,
    ) -> Encoded {
        let args = [at.0, count, int(timeout_ms)];
        Ok(waiting(libc::SYS_poll, &args, reply))
    }

    pub(in crate::request) fn fork(&mut self, reply: Reply) -> Request {
        replying(libc::SYS_fork, &[], reply)
    }

    pub(in crate::request) fn vfork(&mut self, reply: Reply) -> Request {
        replying(libc::SYS_vfork, &[], reply)
    }

    pub(in crate::request) fn clone_args(flags: u64, parent: Address, child: Address) -> [u64; 5] {
        [flags, 0, parent.0, child.0, 0]
    }
}
