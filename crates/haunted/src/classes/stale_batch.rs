//! An event's handler closes the next event's file.
//!
//! One wait returns two events; the first one's handler closes the second's pipe and
//! opens another, which gets its number. The second event is still in the batch, and is
//! dispatched to a pipe that has nothing to read.

use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [a, a_w] = sys::pipe2(sys::O_CLOEXEC | sys::O_NONBLOCK)?;
    let [b, b_w] = sys::pipe2(sys::O_CLOEXEC | sys::O_NONBLOCK)?;
    sys::epoll_add(e, a, sys::IN)?;
    sys::epoll_add(e, b, sys::IN)?;
    sys::write(a_w, b"x")?;
    sys::write(b_w, b"x")?;
    show("the batch", sys::epoll_wait(e, 0)?, vec![a, b])?;

    // The handler of a: b's peer is to be dropped, and a new one taken on.
    show("read of a", sys::read(a), Ok(1))?;
    sys::close(b)?;
    let [new, _new_w] = sys::pipe2(sys::O_CLOEXEC | sys::O_NONBLOCK)?;
    show("the new pipe's number", new, b)?;

    // The handler of b.
    show("read of b", sys::read(b), Err(Errno(libc::EAGAIN)))?;

    linger.linger();
    Ok(())
}
