//! EEXIST taken as the answer to: are these one file?
//!
//! Where kcmp(2) is not allowed, a parent registers a file in an instance it shares with its
//! child; the child puts a candidate on the same number and ADDs it. EEXIST means that
//! the candidate is the parent's file, success (undone at once) that it is another.

use std::os::fd::RawFd;

use crate::child::{Child, Turn, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let buffer = sys::eventfd(sys::EFD_CLOEXEC)?;
    let same = sys::dup(buffer)?;
    let other = sys::eventfd(sys::EFD_CLOEXEC)?;
    sys::epoll_add(e, buffer, 0)?;
    let child = Child::fork(|turn| ask(e, buffer, [same, other], turn))?;
    child.turn().take()?;

    linger.linger();
    child.end()?;
    sys::epoll_del(e, buffer)?;
    Ok(())
}

fn ask(e: RawFd, n: RawFd, [same, other]: [RawFd; 2], turn: &Turn) -> Result<(), Fault> {
    sys::dup2(other, n)?;
    show("ADD of the other file", sys::epoll_add(e, n, 0), Ok(()))?;
    sys::epoll_del(e, n)?;
    sys::dup2(same, n)?;
    show(
        "ADD of the same file",
        sys::epoll_add(e, n, 0),
        Err(Errno(sys::EEXIST)),
    )?;
    turn.give()?;
    stay(turn)
}
