//! A hang-up that is reported without end, and that nobody asked for.
//!
//! A pipe is registered with an empty mask, which hides no hang-up and no error. Its writer is
//! closed; from then on every wait reports it at once, and the program makes no call on it.

use crate::showing::{Fault, Linger, show};
use crate::sys;

/// More than the judge's hundred.
const ROUNDS: usize = 120;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(0)?;
    sys::epoll_add(e, r, 0)?;
    sys::close(w)?;
    for _ in 0..ROUNDS {
        show("the wait", sys::epoll_wait(e, 0)?, vec![r])?;
    }
    linger.linger_on(e)
}
