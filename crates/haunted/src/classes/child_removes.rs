//! A forked child's DEL removes the parent's registration.
//!
//! A child tidies up after the fork and takes the fds it does not want out of the loop it
//! inherited. The loop is one instance for both, so the parent is never woken again for
//! data that is there.

use crate::child::Child;
use crate::showing::{Fault, Linger, show};
use crate::sys;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    Child::fork(|_| {
        sys::epoll_del(e, r)?;
        sys::close(r)?;
        sys::close(e)?;
        Ok(())
    })?
    .end()?;

    sys::write(w, b"x")?;
    show("poll", sys::poll(r)?, sys::POLLIN)?;
    show("the parent's wait", sys::epoll_wait(e, 0)?, vec![])?;

    linger.linger();
    Ok(())
}
