//! Closed here, on its way in a message.
//!
//! A pipe that is registered is sent to somebody by SCM_RIGHTS and closed. Until the
//! message is received no process has the file open, and its events are reported.

use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [near, _far] = sys::socketpair()?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    sys::send_file(near, r)?;
    sys::close(r)?;

    sys::write(w, b"x")?;
    show("the wait", sys::epoll_wait(e, 0)?, vec![r])?;
    show("DEL", sys::epoll_del(e, r), Err(Errno(sys::EBADF)))?;

    linger.linger_on(e)
}
