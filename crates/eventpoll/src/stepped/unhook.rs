//! What all three ways out share: an epitem leaves its wait queue, and its file's list. Stepped.
//!
//! ```text
//!   ep_unregister_pollwait  load the entry ▸ queue lock ▸ off the queue
//!   ep_remove_file          f_lock ▸ off the file's list, f_ep cleared if it was the last
//! ```

use super::frame::Frame;
use super::locks::Lock;
use super::{EntryId, Finding, Fix, Stepped, Taken, Thing, tell};
use crate::store::{EpitemId, QueueId, WaitId};

/// An entry leaves its wait queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Unregister {
    epitem: EpitemId,
    /// What was loaded of the entry: its place, and the queue it is on.
    loaded: Option<(WaitId, QueueId)>,
}

/// An epitem leaves its file's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RemoveFile {
    epitem: EpitemId,
    has_cleared: bool,
}

impl Stepped {
    /// Linux: `ep_unregister_pollwait`, if there is anything to do.
    pub(super) fn push_unregister(&mut self, me: usize, epitem: EpitemId) -> Taken {
        let Some(place) = self.kernel.epitems[epitem].wait else {
            return Ok(());
        };
        let queue = self.kernel.waits.queue_of(place);
        // Only a queue that can go away by itself makes two steps of it.
        let is_loaded = !self.plan.pollfree_queues.contains(&queue);
        if is_loaded {
            self.rcu_read_lock(me);
        }
        self.push(
            me,
            Frame::Unregister(Unregister {
                epitem,
                loaded: is_loaded.then_some((place, queue)),
            }),
        )
    }

    pub(super) fn needs_unregister(&self, frame: Unregister) -> Option<Lock> {
        let (_, queue) = frame.loaded?;
        self.rules()
            .has(Fix::UnhookLock)
            .then_some(Lock::Queue(queue))
    }

    /// Linux: `ep_remove_wait_queue`.
    pub(super) fn run_unregister(&mut self, me: usize, mut frame: Unregister) -> Taken {
        let function = "ep_remove_wait_queue";
        let epitem = frame.epitem;
        let Some((place, queue)) = frame.loaded else {
            self.touch_epitem(me, epitem, function)?;
            let Some(place) = self.kernel.epitems[epitem].wait else {
                tell!(self, me, function, "whead is NULL: POLLFREE was here");
                return Ok(());
            };
            // The queue may go between this load and its lock. The read-side section keeps its memory until then.
            self.rcu_read_lock(me);
            frame.loaded = Some((place, self.kernel.waits.queue_of(place)));
            tell!(self, me, function, "whead is loaded");
            return self.push(me, Frame::Unregister(frame));
        };
        self.touch_queue(me, queue, "remove_wait_queue")?;
        self.touch_entry(me, place, "remove_wait_queue")?;
        // POLLFREE may have unlinked it between the load and the lock; `remove_wait_queue` of an entry that is off is
        // harmless.
        if self.kernel.waits.is_linked(place) {
            self.kernel.waits.unlink(place);
        }
        self.kernel.epitems[epitem].wait = None;
        tell!(
            self,
            me,
            "remove_wait_queue",
            "{} leaves the wait queue, its entry is freed",
            self.named(epitem)
        );
        self.free(Thing::Entry(EntryId(place)), false);
        self.rcu_read_unlock(me);
        Ok(())
    }

    pub(super) fn push_remove_file(&mut self, me: usize, epitem: EpitemId) -> Taken {
        self.push(
            me,
            Frame::RemoveFile(RemoveFile {
                epitem,
                has_cleared: false,
            }),
        )
    }

    pub(super) fn needs_remove_file(&self, frame: RemoveFile) -> Option<Lock> {
        let file = self.kernel.epitems[frame.epitem].file;
        (!frame.has_cleared).then_some(Lock::File(file))
    }

    /// Linux: `ep_remove_file`.
    pub(super) fn run_remove_file(&mut self, me: usize, frame: RemoveFile) -> Taken {
        let function = "ep_remove_file";
        let epitem = frame.epitem;
        self.touch_epitem(me, epitem, function)?;
        let file = self.kernel.epitems[epitem].file;
        self.touch_file(me, file, function)?;
        // Linux would write through a poisoned pointer: `hlist_del_rcu`, twice.
        if !self.watchers(file).any(|other| other == epitem) {
            return Err(Finding::RemovedTwice { task: me, epitem });
        }
        let is_last = self.watchers(file).nth(1).is_none();
        // Two steps, because `eventpoll_release` reads `f_ep` without the lock: it can see NULL while the epitem is
        // still on the list, and the file is freed under this task. The pin of path A is for this.
        if is_last && !frame.has_cleared {
            self.lock(me, Lock::File(file));
            self.ledger.cleared.push(file);
            self.ledger.cleared.sort_unstable();
            tell!(
                self,
                me,
                function,
                "f_ep of {} = NULL, under f_lock",
                self.named(file)
            );
            return self.push(
                me,
                Frame::RemoveFile(RemoveFile {
                    epitem,
                    has_cleared: true,
                }),
            );
        }
        // The head of an instance's list is part of the instance.
        if let Some(inner) = self.epoll_of(file) {
            self.touch_epoll(me, inner, "hlist_del_rcu")?;
        }
        self.kernel.ep_unlink_file(epitem);
        self.ledger.cleared.retain(|other| *other != file);
        self.unlock(me, Lock::File(file));
        tell!(
            self,
            me,
            "hlist_del_rcu",
            "{} leaves the list of {}",
            self.named(epitem),
            self.named(file)
        );
        Ok(())
    }
}
