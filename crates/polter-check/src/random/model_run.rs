//! A model in the middle of a program, and who can act in it.

use super::avoid::{Avoided, avoided};
use super::kinds::{Kind, Kinds};
use crate::backend::{Backend, Model};
use eventpoll::syscall::flags;
use eventpoll::{EpollId, Fd, Kernel, Outcome, Pid, Policy, Syscall, Tid, Version};
use std::collections::BTreeSet;
use std::time::Duration;

/// The first process of every program.
pub(crate) const FIRST: Pid = Pid(100);

/// How long a program waits after it has set a timer that expires at once.
pub(crate) const MOMENT: Duration = Duration::from_millis(1);

/// A model that runs a random program.
#[derive(Debug, Clone)]
pub(crate) struct ModelRun {
    model: Model,
    pub(crate) kinds: Kinds,
}

/// What a call did, to its caller and to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) outcome: Outcome,
    pub(crate) ended: Vec<(Pid, Outcome)>,
}

impl ModelRun {
    pub(crate) fn new(policy: Policy, version: Version) -> ModelRun {
        let model = Model::new(policy, version, FIRST);
        let mut kinds = Kinds::default();
        if let Some(tid) = model.kernel().tid(FIRST) {
            for fd in 0..3 {
                kinds.insert(model.kernel(), tid, Fd(fd), Kind::Null);
            }
        }
        ModelRun { model, kinds }
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        self.model.kernel()
    }

    pub(crate) fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The tasks that can make a call, by their numbers.
    pub(crate) fn able(&self) -> Vec<Pid> {
        let tasks = self.kernel().tasks();
        let able = tasks.filter(|(_, task)| !task.is_blocked);
        let mut able: Vec<Pid> = able.map(|(_, task)| task.pid).collect();
        able.sort_unstable();
        able
    }

    /// The task that can make a call now, and may make this one.
    pub(crate) fn admits(&self, pid: Pid, call: &Syscall) -> Result<Tid, Option<Avoided>> {
        let tid = self.kernel().tid(pid).ok_or(None)?;
        if self.kernel().is_blocked(tid) {
            return Err(None);
        }
        match avoided(self.kernel(), &self.kinds, tid, call) {
            Some(why) => Err(Some(why)),
            None if self.is_ring_in_the_way(pid, call) => Err(Some(Avoided::Ring)),
            None => Ok(tid),
        }
    }

    fn is_ring_in_the_way(&self, pid: Pid, call: &Syscall) -> bool {
        if matches!(call, Syscall::IoUringSetup { .. }) {
            return self.kernel().tasks().any(|(_, task)| task.is_blocked);
        }
        self.kinds.has_rings() && {
            let mut trial = self.clone();
            trial.perform(pid, call, None).outcome == Outcome::Blocked
        }
    }

    /// Makes a call that is admitted.
    pub(crate) fn perform(&mut self, pid: Pid, call: &Syscall, child: Option<Pid>) -> Effect {
        let tid = self.kernel().tid(pid).expect("the call is admitted");
        let effect = perform(&mut self.model, pid, call, child).expect("a model cannot fail");
        if let Some(tid) = self.kernel().tid(pid).filter(|now| *now == tid) {
            let kernel = self.model.kernel();
            self.kinds.note(kernel, tid, call, &effect.outcome);
        }
        effect
    }

    /// Every instance, each with one task and number that names it, able tasks first.
    pub(crate) fn instances(&self) -> Vec<(EpollId, Pid, Fd)> {
        let kernel = self.kernel();
        let mut tasks: Vec<_> = kernel.tasks().collect();
        tasks.sort_by_key(|(_, task)| (task.is_blocked, task.pid));
        let mut known = BTreeSet::new();
        let mut instances = Vec::new();
        for (tid, task) in tasks {
            for (fd, file, _) in kernel.fds(tid) {
                if let Some(epoll) = kernel.epoll_of(file)
                    && known.insert(epoll)
                {
                    instances.push((epoll, task.pid, fd));
                }
            }
        }
        instances
    }

    /// True if some instance watches another.
    pub(crate) fn is_nested(&self) -> bool {
        let kernel = self.kernel();
        let mut watched = kernel
            .epolls()
            .flat_map(|epoll| kernel.registrations(epoll));
        watched.any(|registration| kernel.epoll_of(registration.file).is_some())
    }
}

/// Makes a call anywhere, and lets the time pass that the call asks for.
pub(crate) fn perform(
    backend: &mut impl Backend,
    pid: Pid,
    call: &Syscall,
    child: Option<Pid>,
) -> Result<Effect, polter_live::ExecutorError> {
    let outcome = backend.call(pid, call, child)?;
    if sets_short_timer(call) && matches!(outcome, Outcome::Done(Ok(_))) {
        backend.advance(MOMENT)?;
    }
    let mut ended = backend.completions()?;
    // A call that waits only for those it wakes itself is at its end at once.
    let own = ended.iter().position(|(who, _)| *who == pid);
    let outcome = match own.filter(|_| outcome == Outcome::Blocked) {
        Some(own) => ended.remove(own).1,
        None => outcome,
    };
    Ok(Effect { outcome, ended })
}

/// The timer expires at once, as far as the program is concerned.
fn sets_short_timer(call: &Syscall) -> bool {
    const SHORT_NS: u64 = 1000;
    match call {
        Syscall::TimerfdSettime { new, .. } => (1..=SHORT_NS).contains(&new.value_ns),
        _ => false,
    }
}

/// Does the call make a task?
pub(crate) fn makes_task(call: &Syscall) -> bool {
    matches!(call, Syscall::Fork | Syscall::Vfork | Syscall::Clone { .. })
}

/// Does the call make a process, and not only a thread?
pub(crate) fn makes_process(call: &Syscall) -> bool {
    match call {
        Syscall::Clone { flags } => flags & flags::CLONE_THREAD == 0,
        call => makes_task(call),
    }
}
