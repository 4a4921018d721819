//! Signalfds: they tell each caller of its own signals.

use crate::abi::{SigSet, flags};
use crate::fs::FileKind;
use crate::store::{Fd, Tid};
use crate::task::{SIGKILL, SIGSTOP, bit};
use crate::wait::Limit;
use crate::{Errno, Events, Kernel};

impl Kernel {
    /// `signalfd4(2)`. Makes a signalfd, or gives an old one a new mask.
    pub fn signalfd(&mut self, caller: Tid, fd: Fd, mask: SigSet, flags: u32) -> Result<Fd, Errno> {
        if flags & !(flags::O_CLOEXEC | flags::O_NONBLOCK) != 0 {
            return Err(Errno::EINVAL);
        }
        let mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        if fd == Fd(-1) {
            return self.install_new(caller, FileKind::Signalfd { mask }, flags | flags::O_RDWR);
        }
        let file = self.file_at(caller, fd)?;
        let FileKind::Signalfd { mask: kept } = &mut self.files[file].kind else {
            return Err(Errno::EINVAL);
        };
        *kept = mask;
        let queue = self.sighand_of(caller).queue;
        self.wake(queue, Limit::One, Events::empty());
        Ok(fd)
    }

    /// Readiness is the caller's, whoever added the signalfd.
    /// Linux: `signalfd_poll`.
    pub(crate) fn poll_signalfd(&self, mask: SigSet, caller: Tid) -> Events {
        let task = &self.tasks[caller];
        let pending = task.pending.set() | self.processes[task.process].pending.set();
        if pending & mask != 0 {
            Events::IN
        } else {
            Events::empty()
        }
    }

    /// One try of a read of up to `count` signals; `None` if there is none.
    pub(crate) fn try_read_signalfd(
        &mut self,
        caller: Tid,
        mask: SigSet,
        count: u64,
    ) -> Option<Vec<u32>> {
        let mut signals = Vec::new();
        while (signals.len() as u64) < count {
            let task = &self.tasks[caller];
            // The thread's own come first, each set in ascending order.
            let own = task.pending.set() & mask;
            let shared = self.processes[task.process].pending.set() & mask;
            let from = if own != 0 { own } else { shared };
            if from == 0 {
                break;
            }
            let signal = from.trailing_zeros() + 1;
            self.consume(caller, signal);
            signals.push(signal);
        }
        // A signal meant for another thread is seen by this one as well.
        // Linux: dequeue_signal, recalc_sigpending.
        self.recalculate_signalled(caller);
        if self.tasks[caller].is_signalled {
            self.signalled.push(caller);
        }
        (!signals.is_empty()).then_some(signals)
    }
}
