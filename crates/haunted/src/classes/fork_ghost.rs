//! Closed here, still open in a forked child.
//!
//! The parent registers a pipe, forks, and closes it without a DEL, as one does
//! whose fds are its own. The child's copy keeps the file, so every wait reports
//! a number that the parent can neither read nor remove.

use crate::child::{Child, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

/// The child closes its copy of the instance: nobody who could DEL the item is left.
pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(0)?;
    sys::epoll_add(e, r, sys::IN)?;
    let child = Child::fork(|turn| {
        sys::close(e)?;
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;

    sys::close(r)?;
    sys::write(w, b"x")?;
    show("the wait", sys::epoll_wait(e, 0)?, vec![r])?;
    show("the read", sys::read(r), Err(Errno(sys::EBADF)))?;
    show("DEL", sys::epoll_del(e, r), Err(Errno(sys::EBADF)))?;
    show("the next wait", sys::epoll_wait(e, 0)?, vec![r])?;

    linger.linger_on(e)?;
    child.end()
}
