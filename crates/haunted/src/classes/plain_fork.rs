//! Closed here, still open in a forked child, which has the instance too.
//!
//! The plainest program there is: register, fork, close. The child never looks at the
//! instance, and whoever looks from outside sees a number that it can name.

use crate::child::{Child, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(0)?;
    sys::epoll_add(e, r, sys::IN)?;
    let child = Child::fork(|turn| {
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;

    sys::close(r)?;
    sys::write(w, b"x")?;
    show("the wait", sys::epoll_wait(e, 0)?, vec![r])?;
    show("DEL", sys::epoll_del(e, r), Err(Errno(sys::EBADF)))?;
    show("the next wait", sys::epoll_wait(e, 0)?, vec![r])?;

    linger.linger_on(e)?;
    child.end()
}
