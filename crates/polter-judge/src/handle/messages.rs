//! Files that go from one process to another: in messages, and by `pidfd_getfd`.
//!
//! A message holds its files from the moment its send begins until somebody receives it.

use crate::input::{Made, channel, rights};
use crate::judge::Judge;
use crate::state::{MAX_IN_FLIGHT, Message};
use eventpoll::{Fd, Tid};
use polter_trace::Args;

impl Judge {
    /// A send has begun. Its files are in flight from now on: the receiver's line may come before the send returns.
    pub(super) fn send_begun(&mut self, pid: u32, tid: Tid, args: Args<'_>) {
        let rights = rights(args.raw);
        if !rights.is_empty() {
            let id = self.sent(tid, &rights, args);
            if let Some(task) = self.tasks.get_mut(pid) {
                task.sending = Some(id);
            }
        }
    }

    /// A call has ended: true if it was a send that [`send_begun`](Judge::send_begun) has handled.
    pub(super) fn send_ended(&mut self, pid: u32, name: &str, has_failed: bool) -> bool {
        let task = self.tasks.get_mut(pid);
        let Some(id) = task.and_then(|task| task.sending.take()) else {
            return false;
        };
        if has_failed {
            let at = self.in_flight.iter().position(|sent| sent.id == id);
            let message = at.and_then(|at| self.in_flight.remove(at));
            message.into_iter().for_each(|message| self.land(message));
        }
        name.starts_with("sendm")
    }

    /// Puts files in flight; each is held until somebody receives it. Gives the message's id.
    pub(crate) fn sent(&mut self, tid: Tid, rights: &[Fd], args: Args<'_>) -> u64 {
        let mut files = Vec::new();
        for fd in rights {
            if self.ensure_open(tid, *fd).is_some() {
                let file = self.worlds.files_at(tid, *fd);
                self.worlds.each_with(&file, eventpoll::Kernel::hold);
                files.push(file);
            }
        }
        self.sent_messages += 1;
        let id = self.sent_messages;
        let channel = channel(args);
        self.in_flight.push_back(Message { id, channel, files });
        if self.in_flight.len() > MAX_IN_FLIGHT
            && let Some(oldest) = self.in_flight.pop_front()
        {
            self.land(oldest);
        }
        id
    }

    /// Releases a message's files: it was received, it failed, or it counts as lost.
    fn land(&mut self, message: Message) {
        for file in message.files {
            self.worlds.each_with(&file, eventpoll::Kernel::unhold);
        }
        self.policy_removals.require_full_scan();
    }

    /// Files arrive. The log does not say from which message: the oldest one with as many files is taken, of those that
    /// were sent through the same socket if the log names it.
    pub(super) fn received(
        &mut self,
        pid: u32,
        tid: Tid,
        rights: &[Fd],
        is_cloexec: bool,
        args: Args<'_>,
    ) {
        let at = self.message_of(channel(args), rights.len());
        let message = at.and_then(|at| self.in_flight.remove(at));
        for (index, fd) in rights.iter().enumerate() {
            if fd.0 < 0 {
                continue;
            }
            self.vacate(tid, *fd);
            match message.as_ref().map(|message| &message.files[index]) {
                Some(files) => self.worlds.each_with(files, |kernel, file| {
                    kernel.share_fd(tid, *fd, file, is_cloexec);
                    kernel.unhold(file);
                }),
                // Sent by somebody the log does not show.
                None => self.opened(pid, tid, *fd, Made::Other, is_cloexec),
            }
            self.fd_taken(pid, tid, *fd);
        }
        self.sweep_ghosts();
    }

    /// The oldest message that can be the one received: from this socket, or from one that the log does not name. A
    /// receiver without a name can have any.
    fn message_of(&self, channel: Option<u64>, files: usize) -> Option<usize> {
        let oldest = |is_fn: &dyn Fn(Option<u64>) -> bool| {
            let mut messages = self.in_flight.iter();
            messages.position(|message| message.files.len() == files && is_fn(message.channel))
        };
        oldest(&|sent| sent == channel)
            .or_else(|| oldest(&|sent| sent.is_none()))
            .or_else(|| oldest(&|_| channel.is_none()))
    }

    /// `pidfd_getfd(2)`: a file of another process's table gets an fd here.
    pub(super) fn fetched(&mut self, pid: u32, tid: Tid, pidfd: Fd, target: Fd, new: Fd) {
        if new.0 < 0 {
            return;
        }
        self.vacate(tid, new);
        let process =
            self.worlds
                .base()
                .fd(tid, pidfd)
                .and_then(|file| match self.labels.get(file)?.made {
                    Made::Pidfd(pid) => self.tasks.tid(u32::try_from(pid).ok()?),
                    _ => None,
                });
        let Some(other) = process else {
            return self.opened(pid, tid, new, Made::Other, true);
        };
        self.ensure_open(other, target);
        let files = self.worlds.files_at(other, target);
        self.worlds
            .each_with(&files, |kernel, file| kernel.share_fd(tid, new, file, true));
        self.fd_taken(pid, tid, new);
    }
}
