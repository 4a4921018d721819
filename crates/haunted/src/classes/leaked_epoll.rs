//! An exec'ed program holds an instance it never uses.
//!
//! The instance was made without EPOLL_CLOEXEC, and a child execs another program. That
//! program holds the instance for as long as it lives, and knows nothing of it.

use crate::child::Child;
use crate::showing::{Fault, Linger, show};
use crate::sys;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(0)?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    let child = Child::fork(|turn| turn.exec_bystander(&[&e.to_string()]))?;
    // The bystander has looked: the number is an instance there too.
    child.turn().take()?;

    sys::write(w, b"x")?;
    show("the parent's wait", sys::epoll_wait(e, 0)?, vec![r])?;

    linger.linger();
    sys::epoll_del(e, r)?;
    child.end()
}
