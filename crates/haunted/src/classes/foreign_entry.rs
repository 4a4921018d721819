//! A forked child registers a file its parent does not have.
//!
//! A child opens a pipe of its own and adds it to the loop it inherited. The parent's
//! wait reports the child's number, which the parent has not open.

use crate::child::{Child, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, _w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    let child = Child::fork(|turn| {
        let [own, own_w] = sys::pipe2(sys::O_CLOEXEC)?;
        sys::epoll_add(e, own, sys::IN)?;
        sys::write(own_w, b"x")?;
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;

    let reported = sys::epoll_wait(e, 0)?;
    show("how many are reported", reported.len(), 1)?;
    show(
        "the number reported is open",
        sys::fd_flags(reported[0]),
        Err(Errno(sys::EBADF)),
    )?;
    show(
        "the parent's DEL",
        sys::epoll_del(e, reported[0]),
        Err(Errno(sys::EBADF)),
    )?;

    linger.linger();
    child.end()
}
