//! Sweeps: a program that closes every fd before an exec closes many that are not open. None of them is a mistake.

use crate::verdict::Finding;
use eventpoll::Fd;

/// A failed close of an fd that was closed already, until the next call tells if it is one of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    suspected: Option<Box<SuspectedClose>>,
    /// The fd of the last call, if that was a failed close.
    last: Option<Fd>,
    /// The same of the call before the last.
    before: Option<Fd>,
}

/// A close that failed, of an fd that was closed already.
#[derive(Debug)]
pub(crate) struct SuspectedClose {
    fd: Fd,
    pub(crate) finding: Finding,
    /// The time of the close, as the judge counts time.
    pub(crate) since: u64,
    /// The index of the suspicion that was told.
    pub(crate) suspicion: Option<usize>,
}

impl Sweep {
    /// An fd was closed twice: a fault, unless it is part of a sweep.
    pub(crate) fn suspect(&mut self, fd: Fd, finding: Finding, since: u64) {
        let is_in_sweep = self.before.is_some_and(|last| is_next(last, fd));
        if !is_in_sweep {
            self.suspected = Some(Box::new(SuspectedClose {
                fd,
                finding,
                since,
                suspicion: None,
            }));
        }
    }

    /// The task makes its next call: gives what was suspected, and whether it is a fault. It is none if that call
    /// continues a sweep.
    pub(crate) fn go_on(
        &mut self,
        failed_close: Option<Fd>,
    ) -> Option<(Box<SuspectedClose>, bool)> {
        let suspected = self.suspected.take();
        self.before = std::mem::replace(&mut self.last, failed_close);
        let is_swept = |of: Fd| failed_close.is_some_and(|fd| is_next(of, fd));
        suspected.map(|suspected| {
            let is_fault = !is_swept(suspected.fd);
            (suspected, is_fault)
        })
    }

    /// The close that is suspected now.
    pub(crate) fn suspected(&mut self) -> Option<&mut SuspectedClose> {
        self.suspected.as_deref_mut()
    }

    /// The task is gone, or the log is over: no sweep follows.
    pub(crate) fn end(&mut self) -> Option<Box<SuspectedClose>> {
        self.suspected.take()
    }
}

/// True if a sweep goes from one fd to the other, upwards or downwards.
fn is_next(from: Fd, to: Fd) -> bool {
    from.0.abs_diff(to.0) == 1
}
