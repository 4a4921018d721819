//! `poll(2)` and `ppoll(2)`.

use super::blocking::Timeout;
use super::call::Call;
use super::wait_queue::Waiter;
use crate::abi::{Out, Outcome, Return, SigMask, SigSet, UserTimespec};
use crate::epoll::checked_mask;
use crate::store::{FileId, Tid, WaitId};
use crate::{Errno, Events, Kernel, PollFd};

/// A poll under way.
#[derive(Debug, Clone, Hash)]
pub(crate) struct PollCall {
    fds: Vec<PollFd>,
    /// The file each of `fds` named at the start, kept for the time of the call.
    held: Vec<Option<FileId>>,
}

impl PollCall {
    pub(crate) fn held(&self) -> &[Option<FileId>] {
        &self.held
    }

    /// How many entries have something to say, and all of them.
    pub(crate) fn result(&self) -> Return {
        let count = self
            .fds
            .iter()
            .filter(|entry| !entry.revents.is_empty())
            .count();
        Return::with(count as i64, Out::Polled(self.fds.clone()))
    }
}

impl Kernel {
    /// `poll(2)`, and `ppoll(2)` once its arguments are checked.
    pub(crate) fn poll(
        &mut self,
        caller: Tid,
        fds: &[PollFd],
        timeout: Timeout,
        mask: Option<SigSet>,
    ) -> Outcome {
        let limit = self.processes[self.tasks[caller].process].nofile;
        if fds.len() as u64 > limit {
            return Outcome::Done(Err(Errno::EINVAL));
        }
        let held = fds
            .iter()
            .map(|entry| self.file_at(caller, entry.fd).ok())
            .collect();
        self.begin(
            caller,
            Call::Poll(PollCall {
                fds: fds.to_vec(),
                held,
            }),
            timeout,
            mask,
        )
    }

    /// `ppoll(2)`. The time-out is looked at before the mask.
    pub(crate) fn ppoll(
        &mut self,
        caller: Tid,
        fds: &[PollFd],
        timeout: UserTimespec,
        mask: SigMask,
    ) -> Outcome {
        let checked = self
            .timeout_from(timeout)
            .and_then(|timeout| Ok((timeout, checked_mask(mask)?)));
        match checked {
            Ok((timeout, mask)) => self.poll(caller, fds, timeout, mask),
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }

    /// One round. An fd is looked up anew in each; the waiter stays on
    /// the queue of the file it named first. Linux: `do_poll`.
    pub(crate) fn try_poll(
        &mut self,
        caller: Tid,
        call: &mut PollCall,
    ) -> Option<Result<Return, Errno>> {
        let mut has_found = false;
        for entry in &mut call.fds {
            entry.revents = Events::empty();
            if entry.fd.0 < 0 {
                continue;
            }
            entry.revents = match self.file_at(caller, entry.fd) {
                Err(_) => Events::NVAL,
                Ok(file) => {
                    let wanted = poll_mask(entry.events);
                    let ready = if self.files[file].can_poll() {
                        self.poll_file(file, caller)
                    } else {
                        Events::IN | Events::OUT | Events::READABLE | Events::WRITABLE
                    };
                    ready & wanted
                }
            };
            has_found |= !entry.revents.is_empty();
        }
        has_found.then(|| Ok(call.result()))
    }

    pub(crate) fn enqueue_poll(&mut self, tid: Tid, call: &PollCall) -> Vec<WaitId> {
        let mut places = Vec::new();
        for (entry, held) in call.fds.iter().zip(&call.held) {
            if let Some(queue) = held.and_then(|file| self.wait_queue_of(file, tid)) {
                let waiter = Waiter::Poller(tid, poll_mask(entry.events).bits() as u16);
                places.push(self.waits.add(queue, waiter));
            }
        }
        places
    }
}

/// What `poll(2)` watches: the caller's 16 bits, and errors and hang-ups always.
fn poll_mask(events: Events) -> Events {
    Events::from_bits_retain(events.bits() & 0xffff) | Events::ERR | Events::HUP
}
