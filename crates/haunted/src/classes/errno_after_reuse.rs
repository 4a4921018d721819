//! EEXIST and ENOENT for a number that came back.
//!
//! A program closes a registered number without a DEL while a dup keeps the file, and
//! takes the number for free. When the same file comes back to it ADD says EEXIST;
//! when another one does, MOD and DEL say ENOENT for what the program's table has as registered.

use crate::showing::{Fault, Linger, show};
use crate::sys::{self, Errno};

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [n, _w] = sys::pipe2(sys::O_CLOEXEC)?;
    let [other, _other_w] = sys::pipe2(sys::O_CLOEXEC)?;
    let kept = sys::dup(n)?;
    sys::epoll_add(e, n, sys::IN)?;
    sys::close(n)?;

    sys::dup2(kept, n)?;
    show(
        "ADD of the same file",
        sys::epoll_add(e, n, sys::IN),
        Err(Errno(sys::EEXIST)),
    )?;
    sys::dup2(other, n)?;
    show(
        "MOD of another file",
        sys::epoll_mod(e, n, sys::IN),
        Err(Errno(sys::ENOENT)),
    )?;
    show(
        "DEL of another file",
        sys::epoll_del(e, n),
        Err(Errno(sys::ENOENT)),
    )?;

    linger.linger();
    Ok(())
}
