//! Closed here, kept by the parent it came from.
//!
//! A worker inherits a listening socket, registers its copy with its own instance,
//! and closes it when told to stop. The parent keeps the listener, so each new
//! connection wakes the worker for a socket it cannot touch.

use crate::child::Child;
use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let listener = sys::listener()?;
    let worker = Child::fork(|turn| {
        let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
        sys::epoll_add(e, listener, sys::IN)?;
        sys::close(listener)?;
        turn.pass()?;

        show("the worker's wait", sys::epoll_wait(e, 0)?, vec![listener])?;
        show(
            "the worker's DEL",
            sys::epoll_del(e, listener),
            Err(Errno(sys::EBADF)),
        )?;
        linger.linger_on(e)
    })?;
    worker.turn().take()?;
    sys::connect_to(listener)?;
    worker.turn().give()?;
    worker.end()
}
