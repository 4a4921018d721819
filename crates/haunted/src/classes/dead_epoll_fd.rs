//! A forked child waits on an instance it has closed.
//!
//! A daemon's child closes all it inherited, and a fork handler of the event library then
//! waits on the old number. It is EBADF, which most loops take for a reason to abort.

use crate::child::{Child, TURNS_FROM, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    let child = Child::fork(|turn| {
        sys::close_range(3, TURNS_FROM - 1)?;
        show(
            "the child's wait",
            sys::epoll_wait(e, 0),
            Err(Errno(sys::EBADF)),
        )?;
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;

    sys::write(w, b"x")?;
    show("the parent's wait", sys::epoll_wait(e, 0)?, vec![r])?;

    linger.linger();
    child.end()
}
