//! An inherited loop misses the child's signals.
//!
//! A signalfd in the loop was hooked to the process that registered it. A forked child that
//! takes the loop over and gets a signal is not woken, though poll(2) on the signalfd says it is there.

use crate::child::{Child, stay};
use crate::showing::{Fault, Linger, show};
use crate::sys;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    sys::block(sys::SIGUSR1)?;
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let s = sys::signalfd(sys::SIGUSR1, sys::SFD_CLOEXEC | sys::SFD_NONBLOCK)?;
    sys::epoll_add(e, s, sys::IN)?;
    let child = Child::fork(|turn| {
        sys::signal_self(sys::SIGUSR1)?;
        show("the child's wait", sys::epoll_wait(e, 0)?, vec![])?;
        show("the child's poll", sys::poll(s)?, sys::POLLIN)?;
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;

    linger.linger();
    child.end()
}
