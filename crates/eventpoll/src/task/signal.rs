//! Signals, as far as they wake, interrupt, kill, and make signalfds readable.
//!
//! Modelled: the standard signals, their three actions, masks, and which
//! thread takes a signal sent to a process; that a signal stops, and does not kill.
//! Real-time signals are queued. Not modelled: what a stopped process does, continuing.

use crate::abi::{Return, SigAction, SigSet};
use crate::store::{Pid, ProcessId, QueueId, SighandId, Tid};
use crate::wait::{Limit, WaitQueues, Waiter};
use crate::{Errno, Events, Kernel, Out};
use std::hash::{DefaultHasher, Hash, Hasher};

pub(crate) const SIGKILL: u32 = 9;
pub(crate) const SIGPIPE: u32 = 13;
pub(crate) const SIGCHLD: u32 = 17;
const SIGCONT: u32 = 18;
pub(crate) const SIGSTOP: u32 = 19;
/// `SIGCHLD`, `SIGCONT`, `SIGURG`, `SIGWINCH`.
const IGNORED_BY_DEFAULT: SigSet = bit(17) | bit(18) | bit(23) | bit(28);
/// `SIGTSTP`, `SIGTTIN`, `SIGTTOU`; `SIGSTOP` nobody can change.
const STOPS_BY_DEFAULT: SigSet = bit(20) | bit(21) | bit(22);
const SIGNALS: usize = 64;

/// The bit of a signal in a set.
pub(crate) const fn bit(signal: u32) -> SigSet {
    1 << (signal - 1)
}

/// What a process does with signals. Linux: `struct sighand_struct`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Sighand {
    actions: [SigAction; SIGNALS],
    /// Who waits on signalfds. Linux: `signalfd_wqh`.
    pub(crate) queue: QueueId,
    /// The processes that use it.
    pub(crate) users: u32,
}

impl Sighand {
    pub(crate) fn new(waits: &mut WaitQueues) -> Sighand {
        Sighand {
            actions: [SigAction::Default; SIGNALS],
            queue: waits.create(),
            users: 0,
        }
    }

    pub(crate) fn copy(&self, waits: &mut WaitQueues) -> Sighand {
        Sighand {
            actions: self.actions,
            queue: waits.create(),
            users: 0,
        }
    }

    /// What is done with signals, in short; 0 if nothing was ever said.
    pub(crate) fn digest(&self) -> u64 {
        if self.actions == [SigAction::Default; SIGNALS] {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        self.actions.hash(&mut hasher);
        hasher.finish().max(1)
    }

    fn action(&self, signal: u32) -> SigAction {
        self.actions[signal as usize - 1]
    }

    pub(crate) fn handles(&self, signal: u32) -> bool {
        matches!(self.action(signal), SigAction::Handler { .. })
    }

    /// The signal stops whoever takes it.
    fn stops(&self, signal: u32) -> bool {
        let is_default = STOPS_BY_DEFAULT & bit(signal) != 0;
        signal == SIGSTOP || is_default && self.action(signal) == SigAction::Default
    }

    fn ignores(&self, signal: u32) -> bool {
        match self.action(signal) {
            SigAction::Ignore => true,
            SigAction::Default => (IGNORED_BY_DEFAULT | STOPS_BY_DEFAULT) & bit(signal) != 0,
            SigAction::Handler { .. } => false,
        }
    }
}

/// What a signal does to the call it finds its thread in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The call ends with `EINTR`.
    Interrupts,
    /// The handler runs and the call goes on (`SA_RESTART`).
    Restarts,
    /// Nothing happens, after a moment in which it was pending.
    Passes,
    /// The process ends, with this signal as its status.
    Kills(u32),
}

impl Kernel {
    /// `kill(2)` of one process; signal 0 only asks whether it is there.
    pub fn kill(&mut self, pid: Pid, signal: u32) -> Result<(), Errno> {
        let numbered = *self.pids.get(&pid).ok_or(Errno::ESRCH)?;
        if signal as usize > SIGNALS {
            return Err(Errno::EINVAL);
        }
        // A thread's pid reaches its process as well, the thread first.
        let target = numbered.task.or_else(|| self.leader(numbered.process));
        if let Some(target) = target.filter(|_| signal != 0) {
            // A leader that has ended still says what is blocked.
            let mask = match numbered.task {
                Some(task) => self.tasks[task].mask,
                None => self.processes[numbered.process].leader_mask,
            };
            self.send_signal_past(mask, target, signal, Scope::Process);
        }
        Ok(())
    }

    /// `tgkill(2)`.
    pub fn tgkill(&mut self, pid: Pid, tid: Pid, signal: u32) -> Result<(), Errno> {
        if pid.0 <= 0 || tid.0 <= 0 {
            return Err(Errno::EINVAL);
        }
        let numbered = *self.pids.get(&tid).ok_or(Errno::ESRCH)?;
        if self.processes[numbered.process].pid != pid {
            return Err(Errno::ESRCH);
        }
        if signal as usize > SIGNALS {
            return Err(Errno::EINVAL);
        }
        // A leader that has ended keeps its pid; what it is sent is lost.
        if let Some(thread) = numbered.task.filter(|_| signal != 0) {
            self.send_signal(thread, signal, Scope::Thread);
        }
        Ok(())
    }

    /// Linux: `__send_signal_locked`.
    pub(crate) fn send_signal(&mut self, target: Tid, signal: u32, scope: Scope) {
        self.send_signal_past(self.tasks[target].mask, target, signal, scope);
    }

    /// What is ignored is kept all the same where this mask blocks it. Linux: `sig_ignored`.
    fn send_signal_past(&mut self, mask: SigSet, target: Tid, signal: u32, scope: Scope) {
        let process = self.tasks[target].process;
        if self.processes[process].group_exit.is_some() {
            return;
        }
        let is_blocked = mask & bit(signal) != 0;
        let sighand = self.tasks[target].sighand;
        if matches!(signal, SIGKILL | SIGCONT) {
            self.processes[process].is_stopped = false;
        } else if !is_blocked && self.sighands[sighand].stops(signal) {
            // What it does from now on is not modelled, see `unknown.rs`.
            self.processes[process].is_stopped = true;
        }
        if signal == SIGSTOP || !is_blocked && self.sighands[sighand].ignores(signal) {
            return;
        }
        let pending = match scope {
            Scope::Thread => &mut self.tasks[target].pending,
            Scope::Process => &mut self.processes[process].pending,
        };
        if !pending.add(signal) {
            return;
        }
        let queue = self.sighands[sighand].queue;
        self.wake(queue, Limit::One, Events::empty());
        self.complete_signal(target, signal, scope);
    }

    /// Finds a thread that takes the signal, and wakes it.
    fn complete_signal(&mut self, target: Tid, signal: u32, scope: Scope) {
        let process = self.tasks[target].process;
        // Linux: wants_signal.
        let takes = |tid: &Tid| {
            let task = &self.tasks[*tid];
            let is_free = self.running == Some(*tid) || !task.is_signalled;
            task.mask & bit(signal) == 0 && (is_free || signal == SIGKILL)
        };
        let taker = match scope {
            _ if takes(&target) => target,
            Scope::Thread => return,
            Scope::Process => {
                let threads = &self.processes[process].threads;
                let last = self.processes[process].last_taker;
                let place = threads.iter().position(|thread| Some(*thread) == last);
                let (before, after) = threads.split_at(place.unwrap_or(0));
                let Some(taker) = after.iter().chain(before).copied().find(takes) else {
                    return;
                };
                self.processes[process].last_taker = (taker != threads[0]).then_some(taker);
                taker
            }
        };
        if self.is_fatal(target, signal) {
            return self.kill_group(process, signal as i32);
        }
        self.tasks[taker].is_signalled = true;
        if self.tasks[taker].waiting.is_some() {
            self.wake_for_signal(taker);
        } else if self.running == Some(taker) {
            self.signalled.push(taker);
        } else if self.processes[process].exec.is_none() {
            self.woken.push_back(taker);
        }
    }

    /// The signal ends the thread's process. Linux: `sig_fatal`.
    fn is_fatal(&self, tid: Tid, signal: u32) -> bool {
        let sighand = &self.sighands[self.tasks[tid].sighand];
        sighand.action(signal) == SigAction::Default && !sighand.ignores(signal)
    }

    /// Takes the next signal the thread does not block, and says what it does.
    /// Linux: `get_signal`.
    pub(crate) fn take_signal(&mut self, tid: Tid) -> Option<Interruption> {
        if !self.tasks[tid].is_signalled {
            return None;
        }
        if self.is_dying(tid) {
            return Some(Interruption::Kills(SIGKILL));
        }
        let task = &self.tasks[tid];
        // The thread's own come first.
        let own = task.pending.set() & !task.mask;
        let shared = self.processes[task.process].pending.set() & !task.mask;
        let ready = if own != 0 { own } else { shared };
        if ready == 0 {
            self.recalculate_signalled(tid);
            return None;
        }
        let signal = ready.trailing_zeros() + 1;
        self.consume(tid, signal);
        let sighand = &self.sighands[self.tasks[tid].sighand];
        Some(match sighand.action(signal) {
            _ if sighand.ignores(signal) => Interruption::Passes,
            SigAction::Handler { restart: true } => Interruption::Restarts,
            SigAction::Handler { restart: false } => Interruption::Interrupts,
            _ => Interruption::Kills(signal),
        })
    }

    /// Linux: `recalc_sigpending`.
    pub(crate) fn recalculate_signalled(&mut self, tid: Tid) {
        if self.is_dying(tid) {
            return;
        }
        let task = &mut self.tasks[tid];
        let pending = task.pending.set() | self.processes[task.process].pending.set();
        task.is_signalled = pending & !task.mask != 0;
    }

    /// Handlers run and deaths happen on the way back to the program.
    pub(crate) fn deliver_all_signals(&mut self) {
        while let Some(tid) = self.signalled.pop() {
            if self
                .tasks
                .get(tid)
                .is_some_and(|task| task.waiting.is_none())
            {
                self.deliver_signals(tid);
            }
        }
    }

    pub(crate) fn deliver_signals(&mut self, tid: Tid) {
        while let Some(interruption) = self.take_signal(tid) {
            if let Interruption::Kills(signal) = interruption {
                return self.end_group(tid, signal as i32);
            }
        }
    }

    /// Handles whatever is pending that the thread does not block; false if it dies of it.
    pub(crate) fn handles_pending(&mut self, tid: Tid) -> bool {
        self.recalculate_signalled(tid);
        self.deliver_signals(tid);
        self.tasks.get(tid).is_some()
    }

    /// Takes a pending signal once, the thread's own before its process's.
    pub(crate) fn consume(&mut self, tid: Tid, signal: u32) {
        let task = &mut self.tasks[tid];
        if !task.pending.take(signal) {
            self.processes[task.process].pending.take(signal);
        }
        self.recalculate_signalled(tid);
    }

    /// `rt_sigprocmask(2)`. Gives the former mask.
    pub fn sigprocmask(&mut self, caller: Tid, how: i32, set: SigSet) -> Result<SigSet, Errno> {
        let former = self.tasks[caller].mask;
        let mask = match how {
            0 => former | set,
            1 => former & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
        self.set_mask(caller, mask);
        self.signalled.push(caller);
        Ok(former)
    }

    /// `SIGKILL` and `SIGSTOP` cannot be blocked.
    pub(crate) fn set_mask(&mut self, tid: Tid, mask: SigSet) {
        self.tasks[tid].mask = mask & !(bit(SIGKILL) | bit(SIGSTOP));
        self.recalculate_signalled(tid);
    }

    /// `rt_sigaction(2)`. Ignoring a signal also drops it where it is pending.
    pub fn sigaction(&mut self, caller: Tid, signal: u32, action: SigAction) -> Result<(), Errno> {
        if signal == 0 || signal as usize > SIGNALS || signal == SIGKILL || signal == SIGSTOP {
            return Err(Errno::EINVAL);
        }
        let sighand = self.tasks[caller].sighand;
        self.sighands[sighand].actions[signal as usize - 1] = action;
        if self.sighands[sighand].ignores(signal) {
            let process = self.tasks[caller].process;
            self.processes[process].pending.drop_all(signal);
            for thread in self.processes[process].threads.clone() {
                self.tasks[thread].pending.drop_all(signal);
            }
        }
        Ok(())
    }

    pub(crate) fn ignores_children(&self, process: ProcessId) -> bool {
        let sighand = &self.sighands[self.processes[process].sighand];
        sighand.action(SIGCHLD) == SigAction::Ignore
    }

    pub(crate) fn sighand_of(&self, tid: Tid) -> &Sighand {
        &self.sighands[self.tasks[tid].sighand]
    }

    /// Linux: `unshare_sighand`, `flush_signal_handlers`.
    pub(crate) fn unshare_sighand(&mut self, caller: Tid) {
        let sighand = self.tasks[caller].sighand;
        if self.sighands[sighand].users > 1 {
            let copy = self.sighands[sighand].copy(&mut self.waits);
            let copy = self.sighands.insert(copy);
            self.sighands[copy].users = 1;
            self.tasks[caller].sighand = copy;
            self.processes[self.tasks[caller].process].sighand = copy;
            self.put_sighand(sighand);
        }
        let sighand = self.tasks[caller].sighand;
        for action in &mut self.sighands[sighand].actions {
            if let SigAction::Handler { .. } = action {
                *action = SigAction::Default;
            }
        }
    }

    /// The last user of a handler block is gone; epitems that wait on its
    /// queue must let go of it first. Linux: `__cleanup_sighand`.
    pub(crate) fn put_sighand(&mut self, sighand: SighandId) {
        self.sighands[sighand].users -= 1;
        if self.sighands[sighand].users == 0 {
            let queue = self.sighands[sighand].queue;
            if self.deferred.is_on {
                self.deferred.sighands.push(queue);
            } else {
                self.wake_up_pollfree(queue);
                self.waits.destroy(queue);
            }
            self.sighands.remove(sighand);
        }
    }

    /// Tells every waiter that the queue goes away. Linux: `wake_up_pollfree`.
    fn wake_up_pollfree(&mut self, queue: QueueId) {
        let waiters: Vec<Waiter> = self.waits.waiters(queue).collect();
        for waiter in waiters {
            if let Waiter::Epitem(epitem) = waiter {
                self.ep_poll_callback(epitem, Events::HUP);
                self.ep_remove_wait_queue(epitem);
            }
        }
    }
}

/// Whom a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Thread,
    Process,
}

impl From<SigSet> for Return {
    fn from(mask: SigSet) -> Return {
        Return::with(0, Out::Mask(mask))
    }
}
