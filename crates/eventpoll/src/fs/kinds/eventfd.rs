//! Eventfds: a counter that can be waited for.

use crate::abi::flags;
use crate::fs::FileKind;
use crate::store::push_long;
use crate::store::{Fd, FileId, QueueId, Tid};
use crate::wait::Limit;
use crate::{Errno, Events, Kernel};

/// Linux: `struct eventfd_ctx`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Eventfd {
    count: u64,
    is_semaphore: bool,
    pub(crate) queue: QueueId,
}

impl Eventfd {
    /// Linux: `eventfd_poll`.
    #[inline]
    pub(crate) fn poll(&self) -> Events {
        let mut ready = Events::empty();
        ready.set(Events::IN, self.count > 0);
        ready.set(Events::ERR, self.count == u64::MAX);
        ready.set(Events::OUT, self.count < u64::MAX - 1);
        ready
    }

    /// What it holds, as words.
    pub(crate) fn write_state(&self, words: &mut Vec<u32>) {
        push_long(words, self.count);
        words.push(self.is_semaphore.into());
    }
}

impl Kernel {
    /// `eventfd2(2)`.
    pub fn eventfd(&mut self, caller: Tid, count: u32, flags: u32) -> Result<Fd, Errno> {
        if flags & !(flags::O_CLOEXEC | flags::O_NONBLOCK | flags::EFD_SEMAPHORE) != 0 {
            return Err(Errno::EINVAL);
        }
        self.room_for_fds(caller, 1)?;
        let eventfd = Eventfd {
            count: count.into(),
            is_semaphore: flags & flags::EFD_SEMAPHORE != 0,
            queue: self.waits.create(),
        };
        let flags = flags & !flags::EFD_SEMAPHORE | flags::O_RDWR;
        self.install_new(caller, FileKind::Eventfd(eventfd), flags)
    }

    /// One try of a read; `None` while the counter is zero. Linux: `eventfd_read`.
    #[inline(always)]
    pub(crate) fn try_read_eventfd(&mut self, file: FileId) -> Option<u64> {
        let FileKind::Eventfd(eventfd) = &mut self.files[file].kind else {
            unreachable!("the caller has looked at the kind")
        };
        if eventfd.count == 0 {
            return None;
        }
        let taken = if eventfd.is_semaphore {
            1
        } else {
            eventfd.count
        };
        eventfd.count -= taken;
        let queue = eventfd.queue;
        self.wake(queue, Limit::One, Events::OUT);
        Some(taken)
    }

    /// One try of a write; false if the counter has no room. Linux: `eventfd_write`.
    #[inline(always)]
    pub(crate) fn try_write_eventfd(&mut self, file: FileId, count: u64) -> bool {
        let FileKind::Eventfd(eventfd) = &mut self.files[file].kind else {
            unreachable!("the caller has looked at the kind")
        };
        if u64::MAX - eventfd.count <= count {
            return false;
        }
        eventfd.count += count;
        let queue = eventfd.queue;
        self.wake(queue, Limit::One, Events::IN);
        true
    }

    pub(crate) fn release_eventfd(&mut self, eventfd: &Eventfd) {
        // Linux tells who still waits; nobody can, with the last reference gone.
        self.waits.destroy(eventfd.queue);
    }
}
