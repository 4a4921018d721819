//! Steps inside calls: several tasks, each somewhere in a call, one step at a time.
//!
//! ```text
//!   Kernel, and a program a task  ─▶  Stepped ─ step(task) ─▶ one point further
//!                                        ├─ fingerprint: a state known again
//!                                        └─ ending: nobody can go on, is all well?
//! ```
//!
//! `close(2)`, `exit(2)`, `epoll_ctl(2)`, `epoll_wait(2)`, wake-ups and the
//! release of a file stop where Linux drops a lock or takes a reference; every
//! other call is one step, and its wake-ups and releases are steps behind it.
//! What a step does is the model's own code: the functions that an undivided
//! call runs one after the other. A kernel that is not stepped pays nothing
//! for all this.
//!
//! A step ends before the next point at which another task can make a
//! difference: an unlock belongs to the step before it, a lock to the one after.
//!
//! Not stepped: policies other than Linux's own, buffers that fault, signals
//! that interrupt a call or end a process, threads that die with another one.

mod call;
mod close;
mod components;
mod ctl;
mod deferred;
mod ending;
mod finding;
mod frame;
mod locks;
mod memory;
mod nesting;
mod plan;
mod poll;
mod remove;
mod rules;
mod runners;
mod story;
mod thing;
mod unhook;
mod wait;
mod wake;

pub use components::Component;
pub(crate) use deferred::Deferred;
pub use finding::Finding;
pub use plan::{Program, Unsuitable};
pub use rules::{Fix, Rules, Seed, UnknownRule};
pub use story::{Ended, Story, Told};
pub use thing::{EntryId, QueueName, Thing};

use crate::store::Id;
use crate::store::Tracked;
use crate::store::{EpitemId, EpollId, FileId, Tid};
use crate::{Events, Kernel, Syscall};
use frame::Frame;
use locks::Lock;
use memory::Memory;
use plan::Plan;
use runners::Runners;
use std::sync::Arc;

/// Tasks in the middle of their calls.
#[derive(Debug, Clone)]
pub struct Stepped {
    kernel: Kernel,
    runners: Runners,
    ledger: Tracked<Ledger>,
    plan: Arc<Plan>,
    story: Option<Box<Story>>,
}

/// What an undivided call has no need of.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Ledger {
    /// Who holds which, in order.
    locks: Vec<(Lock, u8)>,
    memory: Memory,
    /// The references on each instance. Linux: `ep->refcount`.
    epoll_refs: Vec<u8>,
    /// Files whose `f_ep` is NULL though their list is not empty yet.
    cleared: Vec<FileId>,
    /// Epitems whose file's release has come to them. Linux: `epi->dying`.
    marked: Vec<EpitemId>,
    /// Epitems whose file has changed since it was polled last, a bit each.
    edges: u64,
}

/// One task: what it will call, and where it is inside the call that is under way.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Runner {
    /// Nothing until the task exists.
    tid: Option<Tid>,
    /// The call it is in, or comes to next.
    next: u16,
    stack: Vec<Frame>,
    /// Files to release on the way back to the program.
    work: Vec<FileId>,
    /// Read-side sections it is in, spinlocks included.
    rcu: u8,
    /// What the function that returned last gave back.
    ret: u32,
    /// It has exited.
    is_gone: bool,
}

impl Runner {
    fn ready(&self) -> Events {
        Events::from_bits_retain(self.ret)
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was taken: the task has come to its next point.
    Taken,
    /// It cannot be taken now; nothing has changed.
    Blocked,
    /// Something went wrong in it.
    Found(Finding),
}

type Taken = Result<(), Finding>;

impl Stepped {
    /// How many tasks there can be.
    pub const MAX_TASKS: usize = 8;

    /// A kernel between calls, and what each task does from here on.
    ///
    /// A task that does not exist yet begins when some call has made it.
    ///
    /// # Errors
    ///
    /// Says what cannot be stepped.
    pub fn new(
        mut kernel: Kernel,
        programs: Vec<Program>,
        rules: Rules,
    ) -> Result<Stepped, Unsuitable> {
        let plan = Plan::new(&kernel, programs, rules)?;
        kernel.deferred.is_on = true;
        kernel.key_all();
        *kernel.waits.gone = Some(Vec::new());
        let runners = plan.pids.iter().map(|pid| Runner {
            tid: kernel.tid(*pid),
            next: 0,
            stack: Vec::new(),
            work: Vec::new(),
            rcu: 0,
            ret: 0,
            is_gone: false,
        });
        let runners = Runners::new(runners);
        let mut stepped = Stepped {
            kernel,
            runners,
            ledger: Tracked::default(),
            plan: Arc::new(plan),
            story: None,
        };
        stepped.count_epoll_refs();
        Ok(stepped)
    }

    /// Writes down from here on what each step does.
    #[must_use]
    pub fn told(mut self) -> Stepped {
        self.story = Some(Box::default());
        self
    }

    /// What was written down.
    pub fn story(&self) -> Option<&Story> {
        self.story.as_deref()
    }

    /// How many there are to take steps: the tasks, and behind them the
    /// timers of those that wait for a limited time.
    pub fn tasks(&self) -> usize {
        self.runners.len() + self.plan.timers.len()
    }

    /// A task's number in the script; a timer has its task's.
    pub fn pid(&self, task: usize) -> crate::Pid {
        self.plan.pids[self.timer_of(task).unwrap_or(task)]
    }

    /// The task whose timer this is, if it is one.
    pub fn timer_of(&self, task: usize) -> Option<usize> {
        let timer = task.checked_sub(self.runners.len())?;
        self.plan.timers.get(timer).copied()
    }

    /// The calls of a task, those made and those to come.
    pub fn program(&self, task: usize) -> &[Syscall] {
        &self.plan.programs[task]
    }

    /// The call a task is in, and whether it has begun; nothing if it is through.
    pub fn call_of(&self, task: usize) -> Option<(usize, bool)> {
        let runner = self.runners.get(task)?;
        let next = usize::from(runner.next);
        let is_through = next >= self.plan.programs[task].len() && runner.stack.is_empty();
        (!is_through).then_some((next, !runner.stack.is_empty()))
    }

    /// What a task in a call waits for, if it waits.
    pub fn waits_for(&self, task: usize) -> Option<String> {
        let frame = *self.runners.get(task)?.stack.last()?;
        if matches!(frame, Frame::Wait(wait) if wait.is_asleep()) {
            return Some("asleep".to_owned());
        }
        let lock = self
            .needs(task, frame)
            .filter(|lock| !self.is_free(*lock))?;
        Some(format!("waits for {}", self.lock_name(lock)))
    }

    /// False if the task certainly cannot go on: it is through, it sleeps, or a
    /// lock it needs is taken.
    #[inline]
    pub fn can_step(&self, task: usize) -> bool {
        let Some(runner) = self.runners.get(task) else {
            return self.can_time_out(task);
        };
        match runner.stack.last() {
            Some(frame) => {
                let is_asleep = matches!(frame, Frame::Wait(wait) if wait.is_asleep());
                !is_asleep
                    && self
                        .needs(task, *frame)
                        .is_none_or(|lock| self.is_free(lock))
            }
            None => !self.is_through(runner, task) && self.is_born(task),
        }
    }

    fn can_time_out(&self, timer: usize) -> bool {
        let task = self.timer_of(timer).expect("a timer of some task");
        let top = self.runners[task].stack.last();
        matches!(top, Some(Frame::Wait(wait)) if wait.can_run_late())
    }

    fn is_born(&self, task: usize) -> bool {
        self.runners[task].tid.is_some() || self.kernel.tid(self.plan.pids[task]).is_some()
    }

    /// Takes a task one point further.
    pub fn step(&mut self, task: usize) -> Step {
        if !self.can_step(task) {
            return Step::Blocked;
        }
        if let Some(story) = &mut self.story {
            story.next_step(task);
        }
        if let Some(sleeper) = self.timer_of(task) {
            self.time_is_up(sleeper);
            return Step::Taken;
        }
        let taken = if self.runners[task].stack.is_empty() {
            match self.begin_call(task) {
                Ok(false) => return Step::Blocked,
                begun => begun.map(drop),
            }
        } else {
            self.run_top(task)
        };
        match taken.and_then(|()| self.run_silent(task)) {
            Ok(()) => Step::Taken,
            Err(finding) => {
                self.tell_finding(task, finding);
                Step::Found(finding)
            }
        }
    }

    /// What follows without another task being able to make a difference.
    fn run_silent(&mut self, me: usize) -> Taken {
        while let Some(frame) = self.runners[me].stack.last()
            && self.is_silent(me, *frame)
        {
            self.run_top(me)?;
        }
        Ok(())
    }

    /// A task that is through: it has no call left, whatever the others do.
    fn is_through(&self, runner: &Runner, task: usize) -> bool {
        let has_more = usize::from(runner.next) < self.plan.programs[task].len();
        runner.stack.is_empty() && (!has_more || runner.is_gone)
    }

    fn tid(&self, me: usize) -> Tid {
        self.runners[me].tid.expect("a task in a call exists")
    }

    fn rules(&self) -> Rules {
        self.plan.rules
    }

    fn epoll_of(&self, file: FileId) -> Option<EpollId> {
        self.kernel.files[file].epoll()
    }

    fn is_instance(&self, me: usize, fd: crate::Fd) -> bool {
        let file = self.kernel.file_at(self.tid(me), fd);
        file.is_ok_and(|file| self.epoll_of(file).is_some())
    }

    fn shares_table(&self, me: usize) -> bool {
        let table = self.kernel.tasks[self.tid(me)].table;
        self.kernel.tables[table].users > 1
    }

    /// A reference for the time of the call, if others could close the number
    /// meanwhile. Linux: `__fget_light`.
    fn fdget(&mut self, me: usize, file: FileId, function: &'static str) -> Option<FileId> {
        if !self.shares_table(me) {
            return None;
        }
        self.kernel.get(file);
        let _ = function;
        tell!(self, me, "fdget", "{}", self.counted(file));
        Some(file)
    }

    fn add_epoll_ref(&mut self, epoll: EpollId) {
        let slot = slot(epoll);
        if self.ledger.epoll_refs.len() <= slot {
            self.ledger.epoll_refs.resize(slot + 1, 0);
        }
        // One for its file, which a new instance brings along.
        if self.ledger.epoll_refs[slot] == 0 {
            self.ledger.epoll_refs[slot] = 1;
        }
        self.ledger.epoll_refs[slot] += 1;
    }

    fn count_epoll_refs(&mut self) {
        let all: Vec<(EpollId, u32)> = self
            .kernel
            .epolls
            .iter()
            .map(|(id, epoll)| (id, epoll.count))
            .collect();
        for (epoll, count) in all {
            let slot = slot(epoll);
            let refs = &mut self.ledger.epoll_refs;
            refs.resize(refs.len().max(slot + 1), 0);
            refs[slot] = 1 + count as u8;
        }
    }
}

/// An instance's place in tables of one's own.
fn slot(epoll: EpollId) -> usize {
    epoll.index() as usize
}

/// Writes down what a step does, if anybody wants to know.
macro_rules! tell {
    ($stepped:expr, $task:expr, $function:expr, $($text:tt)+) => {
        if $stepped.story.is_some() {
            let text = format!($($text)+);
            $stepped.tell($task, $function, text);
        }
    };
}
use tell;
