//! Registered through a dup that is closed.
//!
//! A library dups the fd it is given, registers its dup, and closes it when done,
//! trusting the close to remove the registration. The file is still open under its
//! first number, so events go on for the second.

use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    let d = sys::dup(r)?;
    sys::epoll_add(e, d, sys::IN)?;
    sys::close(d)?;

    sys::write(w, b"x")?;
    show("the wait", sys::epoll_wait(e, 0)?, vec![d])?;
    show(
        "DEL by the dup's number",
        sys::epoll_del(e, d),
        Err(Errno(sys::EBADF)),
    )?;
    show(
        "DEL by the first number",
        sys::epoll_del(e, r),
        Err(Errno(sys::ENOENT)),
    )?;
    show("the next wait", sys::epoll_wait(e, 0)?, vec![d])?;

    linger.linger_on(e)
}
