//! The executor: one call at a time, and what it does to all others.

mod perform;
mod settle;

use crate::error::{ExecutorError, failed};
use crate::keeper::{Confinement, Keeper};
use crate::pin::Pin;
use crate::request;
use crate::sys;
use crate::sys::layout::Slot;
use crate::tasks::{Names, Task};
use eventpoll::{Fd, Outcome, Pid, Syscall};
use std::time::Duration;

/// The soft limit of open files that a script starts with.
const SOFT_NOFILE: u64 = 1024;
/// One world: the tasks of a script, as real processes and threads.
///
/// It stays on the thread that started it, which it keeps on one CPU: the
/// tasks end with that thread, whatever happens to it.
///
/// ```no_run
/// use eventpoll::{Outcome, Pid, Syscall};
/// use polter_live::Executor;
///
/// let mut executor = Executor::start(Pid(100))?;
/// let made = executor.call(Pid(100), &Syscall::EpollCreate1 { flags: 0 }, None)?;
/// assert!(matches!(made, Outcome::Done(Ok(fd)) if fd.value == 3));
/// # Ok::<(), polter_live::ExecutorError>(())
/// ```
#[derive(Debug)]
pub struct Executor {
    keeper: Keeper,
    tasks: Vec<Task>,
    names: Names,
    completions: Vec<Completion>,
    time_limit: Duration,
    hard_nofile: u64,
    has_rings: bool,
    /// The last field: the tasks end before the pin does.
    _pin: Pin,
}

/// A blocked call's end.
#[derive(Debug)]
struct Completion {
    ticket: u32,
    pid: Pid,
    outcome: Outcome,
}

impl Executor {
    /// Starts one fresh process with this number. Its descriptors 0, 1 and 2
    /// are `/dev/null`, and there are no others.
    pub fn start(first: Pid) -> Result<Executor, ExecutorError> {
        match Executor::start_in(Confinement::PidNamespace, first) {
            Ok(executor) => Ok(executor),
            Err(_) => Executor::start_in(Confinement::Subreaper, first),
        }
    }

    /// Starts in one kind of confinement, without looking for another.
    pub fn start_in(confinement: Confinement, first: Pid) -> Result<Executor, ExecutorError> {
        let pin = Pin::new().map_err(failed("stay on one CPU"))?;
        let (_, hard_nofile) = sys::nofile_limit().map_err(failed("read a limit"))?;
        let mut executor = Executor {
            keeper: Keeper::start(confinement)?,
            tasks: Vec::new(),
            names: Names::default(),
            completions: Vec::new(),
            time_limit: Duration::from_secs(5),
            hard_nofile,
            has_rings: false,
            _pin: pin,
        };
        let limit = [SOFT_NOFILE.min(hard_nofile), hard_nofile];
        executor.set_limit(Slot::KEEPER, limit)?;
        executor.fork_first(first)?;
        Ok(executor)
    }

    /// Ends this world and begins a fresh one: much cheaper than a new executor.
    pub fn restart(&mut self, first: Pid) -> Result<(), ExecutorError> {
        self.keeper.sweep()?;
        self.tasks.clear();
        self.names = Names::default();
        self.completions.clear();
        self.has_rings = false;
        self.fork_first(first)
    }

    /// How long a call or its consequences may take before it is an error;
    /// five seconds at first. A call that waits is no such error.
    pub fn set_time_limit(&mut self, limit: Duration) {
        self.time_limit = limit;
    }

    /// What holds the tasks together.
    pub fn confinement(&self) -> Confinement {
        self.keeper.confinement()
    }

    /// Makes one call, and returns when it has returned, or sleeps, or its
    /// caller is gone, and every task it woke has settled.
    ///
    /// `child` is the number for the task that the call makes, if it makes one.
    pub fn call(
        &mut self,
        pid: Pid,
        call: &Syscall,
        child: Option<Pid>,
    ) -> Result<Outcome, ExecutorError> {
        let Some(task) = self.tasks.iter().position(|task| task.pid == pid) else {
            if self.names.knows(pid) {
                return Ok(Outcome::Gone);
            }
            return Err(ExecutorError::NoSuchTask(pid));
        };
        if self.tasks[task].pending.is_some() {
            return Err(ExecutorError::InACall(pid));
        }
        let birth = self.birth(pid, call, child)?;
        let request = self.encode(task, call, birth.as_ref())?;
        let outcome = self.perform(task, call, request, birth)?;
        let is_gone = outcome == Outcome::Gone;
        self.settle(is_gone || request::is_deadly(call))?;
        if self.has_rings && request::may_release(call) {
            self.keeper.outlast_a_ring()?;
            self.settle(false)?;
        }
        Ok(outcome)
    }

    /// The blocked calls that have ended meanwhile, in the order they did.
    /// Waits until every woken task has settled.
    pub fn drain_completions(&mut self) -> Result<Vec<(Pid, Outcome)>, ExecutorError> {
        self.settle(false)?;
        let mut completions = std::mem::take(&mut self.completions);
        completions.sort_by_key(|completion| completion.ticket);
        let ends = completions.into_iter();
        Ok(ends.map(|end| (end.pid, end.outcome)).collect())
    }

    /// Lets real time pass: timers run out, and timeouts end calls.
    pub fn advance(&mut self, time: Duration) -> Result<(), ExecutorError> {
        std::thread::sleep(time);
        self.settle(false)
    }

    /// The text of `/proc/PID/fdinfo/FD`.
    pub fn fdinfo(&self, pid: Pid, fd: Fd) -> Result<String, ExecutorError> {
        let task = self.tasks.iter().find(|task| task.pid == pid);
        let real = task.ok_or(ExecutorError::NoSuchTask(pid))?.real;
        let path = format!("{real}/task/{real}/fdinfo/{fd}");
        let text = self.keeper.proc().text(&path);
        text.map_err(failed("read fdinfo"))
    }

    /// The tasks that are in a call, in the order they were made.
    pub fn blocked(&self) -> impl Iterator<Item = Pid> {
        let blocked = self.tasks.iter().filter(|task| task.pending.is_some());
        blocked.map(|task| task.pid)
    }

    fn fork_first(&mut self, first: Pid) -> Result<(), ExecutorError> {
        let slot = self.free_slot()?;
        let real = self.keeper.fork(slot)?;
        self.names.add(first, real);
        self.tasks.push(Task::new(first, first, real, slot));
        Ok(())
    }

    fn free_slot(&self) -> Result<Slot, ExecutorError> {
        let mut slots = Slot::for_tasks();
        slots
            .find(|slot| self.keeper.is_free(*slot))
            .ok_or(ExecutorError::TooManyTasks)
    }
}
