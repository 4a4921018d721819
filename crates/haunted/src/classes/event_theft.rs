//! A forked child's wait takes the parent's event.
//!
//! A child goes on in the loop it inherited and waits once. The registration is
//! edge-triggered: the child has had the event, and the parent gets none for the same data.

use crate::child::{Child, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN | sys::ET)?;
    let child = Child::fork(|turn| {
        turn.take()?;
        show("the child's wait", sys::epoll_wait(e, 0)?, vec![r])?;
        turn.give()?;
        stay(turn)
    })?;

    sys::write(w, b"x")?;
    child.turn().pass()?;
    show("the parent's wait", sys::epoll_wait(e, 0)?, vec![])?;
    show("poll", sys::poll(r)?, sys::POLLIN)?;

    linger.linger();
    child.end()
}
