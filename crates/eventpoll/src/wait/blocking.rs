//! Calls that wait.
//!
//! ```text
//!   begin ─▶ try ─▶ done
//!             │ not yet
//!             ▼
//!        time up? ─▶ signal? ─▶ join the queues, sleep
//!             ▲                          │ woken, signalled, time up
//!             └──────────── try ◀────────┘
//! ```
//!
//! A woken thread runs when the waker's call has ended ([`Kernel::settle`]),
//! in the order of the wakes. So events beat signals, a time-out of 0 never
//! gives `EINTR`, and a thread woken in vain sleeps on.

use super::call::Call;
use super::clock::Alarm;
use crate::Errno;
use crate::Kernel;
use crate::abi::{Outcome, Return, SigSet, Syscall};
use crate::fs::FileKind;
use crate::store::{Pid, Tid, WaitId};
use crate::task::{Interruption, SIGKILL};

/// A call that sleeps, and all that is needed to try it again or to give it up.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Waiting {
    pub(crate) call: Call,
    /// Its places on wait queues.
    pub(crate) entries: Vec<WaitId>,
    pub(crate) deadline_ns: Option<u64>,
    pub(super) is_time_up: bool,
    /// On the way to its next try.
    pub(super) is_woken: bool,
    /// The mask to put back when the call ends.
    saved_mask: Option<SigSet>,
    /// It has slept, and so holds references on its files.
    pub(crate) is_holding: bool,
    /// The call as it was made: a signal can make it begin anew.
    pub(crate) made: Option<Syscall>,
}

/// How long a call may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// It returns at once, with what is ready.
    None,
    /// Until a date on the virtual clock.
    Until(u64),
    /// Until something is ready, or a signal comes.
    Endless,
}

impl Kernel {
    /// Runs a call that may wait. It takes references on its files only when
    /// it goes to sleep: until then nothing else runs.
    pub(crate) fn begin(
        &mut self,
        caller: Tid,
        mut call: Call,
        timeout: Timeout,
        mask: Option<SigSet>,
    ) -> Outcome {
        // Most calls find what they want at once, under any mask.
        match self.try_call(caller, &mut call) {
            Some(result) => Outcome::Done(result),
            None => self.begin_in_vain(caller, call, timeout, mask),
        }
    }

    /// Goes on with a call whose first try was in vain.
    pub(crate) fn begin_in_vain(
        &mut self,
        caller: Tid,
        mut call: Call,
        timeout: Timeout,
        mask: Option<SigSet>,
    ) -> Outcome {
        // A poll looks at signals first, and its mask may let one in.
        let looks_first = mask.is_some() && matches!(call, Call::Poll(_));
        if timeout == Timeout::None && !looks_first {
            return Outcome::Done(self.time_up_result(&mut call));
        }
        self.begin_waiting(caller, call, timeout, mask)
    }

    /// Nothing was found, and there is time to wait for it.
    fn begin_waiting(
        &mut self,
        caller: Tid,
        call: Call,
        timeout: Timeout,
        mask: Option<SigSet>,
    ) -> Outcome {
        let saved_mask = mask.map(|mask| {
            let saved = self.tasks[caller].mask;
            self.set_mask(caller, mask);
            saved
        });
        let deadline_ns = match timeout {
            Timeout::Until(date_ns) => Some(date_ns),
            _ => None,
        };
        let waiting = Waiting {
            call,
            entries: Vec::new(),
            deadline_ns,
            is_time_up: timeout == Timeout::None,
            is_woken: false,
            saved_mask,
            is_holding: false,
            made: None,
        };
        self.sleep(caller, waiting)
    }

    /// Tries again, and goes on sleeping if there is nothing to be had.
    pub(super) fn attempt(&mut self, tid: Tid, mut waiting: Waiting) -> Outcome {
        if !self.looks_for_signals_first(tid, &waiting.call)
            && let Some(result) = self.try_call(tid, &mut waiting.call)
        {
            return self.end_call(tid, waiting, result);
        }
        waiting.is_time_up |= self.is_nonblocking_by_now(tid, &waiting.call);
        let is_poll = matches!(waiting.call, Call::Poll(_));
        if waiting.is_time_up && !is_poll {
            let result = self.time_up_result(&mut waiting.call);
            return self.end_call(tid, waiting, result);
        }
        self.sleep(tid, waiting)
    }

    /// A signal that came while the thread slept is handled before it tries
    /// again. Linux: `unix_stream_read_generic`; and one that dies takes no
    /// more events, `ep_send_events`.
    fn looks_for_signals_first(&self, tid: Tid, call: &Call) -> bool {
        let file = match call {
            _ if !self.tasks[tid].is_signalled => return false,
            Call::EpollWait(_) => return self.is_dying(tid),
            Call::Read(read) => read.file,
            Call::Recv(recv) => recv.file,
            _ => return false,
        };
        match self.files[file].kind {
            FileKind::Socket(socket) => self.sockets[socket].is_stream(),
            _ => false,
        }
    }

    /// Goes to sleep, unless a signal has to be handled first.
    fn sleep(&mut self, tid: Tid, mut waiting: Waiting) -> Outcome {
        loop {
            if let Call::Vfork { .. } = waiting.call {
                // Only death can interrupt it.
                if self.is_dying(tid) {
                    return self.die_in_call(tid, waiting, SIGKILL);
                }
                break;
            }
            let disturbance = self.take_all_signals(tid);
            if let Some(Interruption::Kills(signal)) = disturbance {
                return self.die_in_call(tid, waiting, signal);
            }
            if disturbance.is_some_and(|by| waiting.call.ends_by(by)) {
                let result = self.interrupted_result(&mut waiting.call);
                return self.end_call(tid, waiting, result);
            }
            // A poll looks at signals before it looks at the time.
            if disturbance.is_none() && waiting.is_time_up {
                let result = self.time_up_result(&mut waiting.call);
                return self.end_call(tid, waiting, result);
            }
            if disturbance.is_none() {
                break;
            }
            // It ends, and whoever hears of that does, before it begins anew.
            let _ = self.interrupted_result(&mut waiting.call);
            if let Some(made) = waiting.made.take_if(|_| waiting.deadline_ns.is_none()) {
                return self.begin_anew(tid, waiting, &made);
            }
            // The call goes on behind the handlers.
            if let Some(result) = self.try_call(tid, &mut waiting.call) {
                return self.end_call(tid, waiting, result);
            }
        }
        if waiting.entries.is_empty() {
            waiting.entries = self.enqueue(tid, &waiting.call);
        }
        self.clock.set(waiting.deadline_ns, Alarm::Timeout(tid));
        if !std::mem::replace(&mut waiting.is_holding, true) {
            for file in waiting.call.files() {
                self.files[file].references += 1;
            }
        }
        self.tasks[tid].waiting = Some(Box::new(waiting));
        Outcome::Blocked
    }

    /// After a signal: the fds are looked up again, and may mean something else.
    fn begin_anew(&mut self, tid: Tid, mut waiting: Waiting, made: &Syscall) -> Outcome {
        self.stop_sleeping(tid, &mut waiting);
        self.release_call(&waiting);
        self.run_task_work();
        if let Some(saved) = waiting.saved_mask {
            self.set_mask(tid, saved);
        }
        let outcome = self.dispatch(tid, made);
        self.remember(tid, made);
        self.run_task_work();
        outcome
    }

    /// Keeps the call that a task waits in.
    pub(crate) fn remember(&mut self, tid: Tid, made: &Syscall) {
        if let Some(waiting) = self.tasks.get_mut(tid).and_then(|t| t.waiting.as_mut()) {
            waiting.made = Some(made.clone());
        }
    }

    /// The file was made non-blocking meanwhile. Only a write to a pipe looks
    /// again, once it is past `wait_event`: by a signal, or as it found room.
    fn is_nonblocking_by_now(&self, tid: Tid, call: &Call) -> bool {
        let Call::Write(write) = call else {
            return false;
        };
        let file = &self.files[write.file];
        let is_past_wait = self.tasks[tid].is_signalled || write.has_found_room();
        matches!(file.kind, FileKind::Pipe { .. }) && file.is_nonblocking() && is_past_wait
    }

    /// The handlers of all pending signals run; the first one decides. A
    /// signal that another thread took first has disturbed this one all the same.
    fn take_all_signals(&mut self, tid: Tid) -> Option<Interruption> {
        let was_signalled = self.tasks[tid].is_signalled;
        let mut decisive = was_signalled.then_some(Interruption::Passes);
        while let Some(next) = self.take_signal(tid) {
            match (next, decisive) {
                (Interruption::Kills(_), _) => return Some(next),
                (_, None | Some(Interruption::Passes)) => decisive = Some(next),
                _ => {}
            }
        }
        decisive
    }

    /// A signal ends the process of a thread that was about to sleep.
    fn die_in_call(&mut self, tid: Tid, mut waiting: Waiting, signal: u32) -> Outcome {
        self.stop_sleeping(tid, &mut waiting);
        let _ = self.interrupted_result(&mut waiting.call);
        self.release_call(&waiting);
        self.run_task_work();
        self.orphan_vfork_child(tid, &waiting.call);
        self.end_group(tid, signal as i32);
        Outcome::Gone
    }

    /// A thread in `vfork(2)` dies: its child has nobody to wake any more.
    fn orphan_vfork_child(&mut self, tid: Tid, call: &Call) {
        if let Call::Vfork { .. } = call {
            let child = self
                .tasks
                .iter()
                .find(|(_, task)| task.vfork_parent == Some(tid))
                .map(|(child, _)| child);
            if let Some(child) = child {
                self.tasks[child].vfork_parent = None;
            }
        }
    }

    /// The child of a waiting `vfork(2)` has let go of its parent's memory.
    pub(crate) fn complete_vfork(&mut self, parent: Tid, child: Pid) {
        let waiting = self.tasks[parent].waiting.as_mut();
        let Some(Call::Vfork { ended, .. }) = waiting.map(|waiting| &mut waiting.call) else {
            unreachable!("only a thread in vfork(2) waits for its child");
        };
        *ended = Some(child);
        self.wake_for_signal(parent);
    }

    fn end_call(
        &mut self,
        tid: Tid,
        mut waiting: Waiting,
        result: Result<Return, Errno>,
    ) -> Outcome {
        self.stop_sleeping(tid, &mut waiting);
        self.release_call(&waiting);
        self.run_task_work();
        if let Some(saved) = waiting.saved_mask {
            self.set_mask(tid, saved);
        }
        if waiting.saved_mask.is_some() || waiting.is_holding {
            // Events beat signals: what came meanwhile is handled on the way out.
            self.signalled.push(tid);
        }
        Outcome::Done(result)
    }

    /// A call that may have slept ends: nothing wakes it any more.
    fn stop_sleeping(&mut self, tid: Tid, waiting: &mut Waiting) {
        if waiting.is_holding {
            self.leave_queues(&mut waiting.entries);
            if let Call::Wait4 { .. } = waiting.call {
                let waiters = &mut self.processes[self.tasks[tid].process].waiters;
                waiters.retain(|waiter| *waiter != tid);
            }
            self.clock.cancel(waiting.deadline_ns, Alarm::Timeout(tid));
        }
    }

    pub(super) fn leave_queues(&mut self, entries: &mut Vec<WaitId>) {
        for entry in entries.drain(..) {
            self.waits.remove(entry);
        }
    }

    /// True while the task waits in a call.
    pub fn is_blocked(&self, tid: Tid) -> bool {
        self.tasks
            .get(tid)
            .is_some_and(|task| task.waiting.is_some())
    }
}
