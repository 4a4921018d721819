//! Threads are woken, and run when their waker's call has ended.

use super::call::Call;
use crate::abi::Outcome;
use crate::store::{ProcessId, Tid, WaitId};
use crate::{Events, Kernel};

impl Kernel {
    /// Ends what the call under way has begun: releases what it dropped,
    /// delivers its signals, and lets every woken thread try again, in the
    /// order of the wakes.
    pub(crate) fn settle(&mut self) {
        self.run_task_work();
        self.deliver_all_signals();
        self.let_woken_run();
        // Init comes to it after everybody else.
        while !self.orphans.is_empty() {
            for orphan in std::mem::take(&mut self.orphans) {
                self.reap(orphan);
            }
            self.let_woken_run();
        }
    }

    pub(crate) fn let_woken_run(&mut self) {
        while let Some(tid) = self.woken.pop_front() {
            self.run_woken(tid);
        }
    }

    /// A woken thread comes to run: it tries its call again, or takes what woke it.
    pub(crate) fn run_woken(&mut self, tid: Tid) {
        self.running = Some(tid);
        let Some(task) = self.tasks.get_mut(tid) else {
            return;
        };
        if task.waiting.is_none() {
            // Between two calls: only a signal can have woken it.
            self.deliver_signals(tid);
        }
        let woken = (self.tasks.get_mut(tid)).and_then(|t| t.waiting.take_if(|w| w.is_woken));
        let Some(waiting) = woken else {
            return;
        };
        let mut waiting = *waiting;
        if !waiting.call.keeps_its_places() {
            self.leave_queues(&mut waiting.entries);
        }
        waiting.is_woken = false;
        let outcome = self.attempt(tid, waiting);
        self.deliver_all_signals();
        match outcome {
            Outcome::Blocked => {}
            // A signal ends it before it is back.
            _ if self.tasks.get(tid).is_none() => self.completions.push((tid, Outcome::Gone)),
            outcome => self.completions.push((tid, outcome)),
        }
    }

    /// A thread on a wait queue is told. Its place goes with the wake, even
    /// if it was on its way already. Linux: `autoremove_wake_function`.
    pub(crate) fn wake_task(&mut self, tid: Tid, entry: WaitId) -> bool {
        let waiting = self.tasks[tid]
            .waiting
            .as_mut()
            .expect("only a waiting thread is on a queue");
        let was_asleep = !std::mem::replace(&mut waiting.is_woken, true);
        let leaves = was_asleep || matches!(waiting.call, Call::EpollWait(_));
        if leaves {
            waiting.entries.retain(|own| *own != entry);
            self.waits.remove(entry);
        }
        if was_asleep {
            self.woken.push_back(tid);
        }
        was_asleep
    }

    /// Linux: `pollwake`.
    pub(crate) fn wake_poller(&mut self, tid: Tid, events: Events, key: Events) -> bool {
        if !key.is_empty() && !key.intersects(events) {
            return false;
        }
        self.wake_for_signal(tid)
    }

    /// Wakes a thread wherever it sleeps; it keeps its places. True if it slept.
    pub(crate) fn wake_for_signal(&mut self, tid: Tid) -> bool {
        let waiting = self.tasks[tid]
            .waiting
            .as_mut()
            .expect("only a waiting thread is woken");
        let was_asleep = !std::mem::replace(&mut waiting.is_woken, true);
        if was_asleep {
            self.woken.push_back(tid);
        }
        was_asleep
    }

    pub(crate) fn time_is_up(&mut self, tid: Tid) {
        if let Some(waiting) = self.tasks[tid].waiting.as_mut() {
            waiting.is_time_up = true;
            self.wake_for_signal(tid);
        }
    }

    /// A child changed: its parent's threads in `wait4(2)` look again.
    pub(crate) fn wake_wait4(&mut self, parent: ProcessId) {
        for thread in self.processes[parent].waiters.clone() {
            self.wake_for_signal(thread);
        }
    }
}
