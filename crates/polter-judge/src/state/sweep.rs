//! Sweeps: a program that closes every fd before an exec closes many that are not open. None of them is a mistake.

use crate::verdict::Finding;
use eventpoll::Fd;

/// A failed close of an fd that was closed already, until the next call tells if it is one of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    suspected: Option<Box<(Fd, Finding)>>,
    /// The fd of the last call, if that was a failed close.
    last: Option<Fd>,
    /// The same of the call before the last.
    before: Option<Fd>,
}

impl Sweep {
    /// An fd was closed twice: a fault, unless it is part of a sweep.
    pub(crate) fn suspect(&mut self, fd: Fd, finding: Finding) {
        let is_in_sweep = self.before.is_some_and(|last| is_next(last, fd));
        if !is_in_sweep {
            self.suspected = Some(Box::new((fd, finding)));
        }
    }

    /// The task makes its next call: gives what was suspected, if that call does not continue a sweep.
    pub(crate) fn go_on(&mut self, failed_close: Option<Fd>) -> Option<Finding> {
        let suspected = self.suspected.take();
        let is_swept = |of: Fd| failed_close.is_some_and(|fd| is_next(of, fd));
        let found = suspected.filter(|suspected| !is_swept(suspected.0));
        self.before = std::mem::replace(&mut self.last, failed_close);
        found.map(|found| found.1)
    }

    /// The task is gone, or the log is over: no sweep follows.
    pub(crate) fn end(&mut self) -> Option<Finding> {
        self.suspected.take().map(|suspected| suspected.1)
    }
}

/// True if a sweep goes from one fd to the other, upwards or downwards.
fn is_next(from: Fd, to: Fd) -> bool {
    from.0.abs_diff(to.0) == 1
}
