//! A ghost's event for the file that has its number now.
//!
//! A pipe is closed without a DEL while a dup keeps it; a new pipe gets the number
//! and is registered too, which succeeds, because the key is (file, number). The old
//! pipe's event then arrives under the number of the new one, which is empty.

use crate::showing::{Fault, Linger, show};
use crate::sys;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [old, old_w] = sys::pipe2(sys::O_CLOEXEC)?;
    let _kept = sys::dup(old)?;
    sys::epoll_add(e, old, sys::IN)?;
    sys::close(old)?;

    let [new, _new_w] = sys::pipe2(sys::O_CLOEXEC)?;
    show("the new pipe's number", new, old)?;
    show(
        "ADD of the new pipe",
        sys::epoll_add(e, new, sys::IN),
        Ok(()),
    )?;
    sys::write(old_w, b"x")?;
    show("the wait", sys::epoll_wait(e, 0)?, vec![new])?;
    show("poll of the new pipe", sys::poll(new)?, 0)?;
    // DEL removes the new pipe's item, and the events go on.
    show("DEL", sys::epoll_del(e, new), Ok(()))?;
    show("the wait after DEL", sys::epoll_wait(e, 0)?, vec![new])?;
    sys::epoll_add(e, new, sys::IN)?;

    linger.linger_on(e)
}
