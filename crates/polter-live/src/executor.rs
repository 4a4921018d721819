//! The executor: one call at a time, and what it does to all others.

use crate::error::{ExecutorError, failed};
use crate::keeper::{Confinement, Keeper, RawCall};
use crate::look::Sight;
use crate::patience::Patience;
use crate::pin::Pin;
use crate::reply::{Content, Reply};
use crate::request::{self, Request, Surroundings};
use crate::scratch::Scratch;
use crate::sys;
use crate::sys::layout::{GUARD, Slot};
use crate::tasks::{Names, Pending, Task};
use eventpoll::syscall::{Return, flags::CLONE_THREAD};
use eventpoll::{Errno, Fd, Outcome, Pid, Syscall};
use std::time::Duration;

/// The page size, as the worker's image and the region assume it.
const PAGE: u64 = 0x1000;

/// `sizeof(struct rlimit64)`.
const LIMIT_LEN: u64 = 16;
/// The ticket of an end without a result: after all others.
const LAST: u32 = u32::MAX;
/// How long the kernel's workers may take to release what a closed ring held:
/// they do so behind everybody's back, and nothing tells when they have.
const RING_GRACE: Duration = Duration::from_millis(30);

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
        if request.needs_guard {
            let slot = self.tasks[task].slot;
            let args = [slot.at(GUARD).0, PAGE, libc::PROT_NONE as u64];
            self.keeper.call_in(slot, libc::SYS_mprotect, &args)?;
        }
        let outcome = self.perform(task, call, request, birth)?;
        let is_gone = outcome == Outcome::Gone;
        self.settle(is_gone || request::is_deadly(call))?;
        if self.has_rings && request::may_release(call) {
            self.advance(RING_GRACE)?;
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

    /// Makes ready for the task that a call makes.
    fn birth(
        &self,
        caller: Pid,
        call: &Syscall,
        child: Option<Pid>,
    ) -> Result<Option<Birth>, ExecutorError> {
        if !request::makes_task(call) {
            return Ok(None);
        }
        let pid = child.ok_or(ExecutorError::NoNumber(caller))?;
        if self.tasks.iter().any(|task| task.pid == pid) {
            return Err(ExecutorError::NumberTaken(pid));
        }
        let slot = self.free_slot()?;
        let is_thread = matches!(call, Syscall::Clone { flags } if flags & CLONE_THREAD != 0);
        Ok(Some(Birth {
            pid,
            slot,
            is_thread,
        }))
    }

    fn encode(
        &self,
        task: usize,
        call: &Syscall,
        birth: Option<&Birth>,
    ) -> Result<Request, ExecutorError> {
        let slot = self.tasks[task].slot;
        let paths = self.keeper.paths();
        let around = Surroundings {
            slot,
            child: birth.map(|birth| birth.slot),
            real_fn: &|pid| self.names.real(pid),
            image: &paths.image,
            region: &paths.region,
            regular: &paths.regular,
            hard_nofile: self.hard_nofile,
        };
        let mut memory = Scratch::new(self.keeper.region(), slot);
        request::encode(call, &mut memory, &around)
    }

    /// Hands the call over and watches its caller until the outcome is clear.
    fn perform(
        &mut self,
        task: usize,
        call: &Syscall,
        request: Request,
        birth: Option<Birth>,
    ) -> Result<Outcome, ExecutorError> {
        let slot = self.tasks[task].slot;
        let limit = self.raise_limit(slot, call)?;
        self.keeper.hand_over(
            slot,
            RawCall {
                nr: request.nr,
                args: &request.args,
                child: birth.as_ref().map(|birth| birth.slot),
            },
        );
        let mut pending = Pending {
            nr: request.nr,
            waits: request.waits,
            reply: request.reply,
            content: Content::Bytes,
        };
        match self.watch(task, call, &pending)? {
            Watched::Done => {}
            Watched::Blocked => {
                pending.content = self.content(task, &pending.reply);
                self.tasks[task].pending = Some(pending);
                if let Some(birth) = birth {
                    self.adopt(task, &birth)?;
                }
                return Ok(Outcome::Blocked);
            }
            Watched::Gone => {
                self.bury(task);
                return Ok(Outcome::Gone);
            }
        }
        let value = self.keeper.result(slot);
        if value > 0
            && let Some(birth) = birth
        {
            self.adopt(task, &birth)?;
        }
        if let Some(limit) = limit {
            self.set_limit(slot, limit)?;
        }
        if value >= Content::COUNTER_LEN {
            pending.content = self.content(task, &pending.reply);
        }
        if value >= 0 && matches!(call, Syscall::Execve) {
            return self.replace(task);
        }
        self.has_rings |= value >= 0 && matches!(call, Syscall::IoUringSetup { .. });
        self.decode(task, &pending, value)
    }

    /// Waits until the call has returned, or sleeps, or its caller is gone.
    fn watch(
        &mut self,
        task: usize,
        call: &Syscall,
        pending: &Pending,
    ) -> Result<Watched, ExecutorError> {
        let mut patience = Patience::new(self.time_limit);
        let slot = self.tasks[task].slot;
        if !self.keeper.runs_first_come() {
            sys::yield_now();
        }
        loop {
            if self.keeper.is_done(slot) {
                return Ok(Watched::Done);
            }
            let sight = self.look(task)?;
            // A thread that execs vanishes and comes back with its process's number.
            if sight == Sight::Gone && !matches!(call, Syscall::Execve) {
                return Ok(Watched::Gone);
            }
            if pending.is_blocked_at(sight) && !self.keeper.is_done(slot) {
                return Ok(Watched::Blocked);
            }
            if !patience.pause(self.keeper.region()) {
                return Err(self.too_slow(self.tasks[task].pid, &format!("{call:?}")));
            }
        }
    }

    /// Looks at every task until nothing moves: at those in a call, and at
    /// all of them if some may have been killed or signalled.
    fn settle(&mut self, mut all: bool) -> Result<(), ExecutorError> {
        let mut patience = Patience::new(self.time_limit);
        loop {
            let (mut moving, mut has_changed) = (None, false);
            // From the back, so that one that is removed moves none ahead.
            for task in (0..self.tasks.len()).rev() {
                if !all && self.tasks[task].pending.is_none() {
                    continue;
                }
                match self.look_after(task)? {
                    Settled::Quiet => {}
                    Settled::Moving => moving = Some(self.tasks[task].pid),
                    Settled::Returned => has_changed = true,
                    Settled::Gone => {
                        self.bury(task);
                        (all, has_changed) = (true, true);
                    }
                }
            }
            match moving {
                Some(pid) if !patience.pause(self.keeper.region()) => {
                    return Err(self.too_slow(pid, "none"));
                }
                None if !has_changed => break,
                _ => {}
            }
        }
        if all {
            self.keeper.reap(|real| self.names.reaped(real))?;
        }
        Ok(())
    }

    /// Looks at one task, and takes its call's end if it has come.
    fn look_after(&mut self, task: usize) -> Result<Settled, ExecutorError> {
        let slot = self.tasks[task].slot;
        if self.keeper.is_done(slot)
            && let Some(pending) = self.tasks[task].pending.take()
        {
            let value = self.keeper.result(slot);
            let outcome = self.decode(task, &pending, value)?;
            self.completions.push(Completion {
                ticket: self.keeper.ticket(slot),
                pid: self.tasks[task].pid,
                outcome,
            });
            return Ok(Settled::Returned);
        }
        let sight = self.look(task)?;
        Ok(match (sight, &self.tasks[task].pending) {
            (Sight::Gone, _) => Settled::Gone,
            (Sight::Stopped, _) => Settled::Quiet,
            (_, Some(pending)) if pending.is_blocked_at(sight) => Settled::Quiet,
            (Sight::Asleep { nr }, None) if nr == libc::SYS_futex => Settled::Quiet,
            _ => Settled::Moving,
        })
    }

    fn look(&mut self, task: usize) -> Result<Sight, ExecutorError> {
        let proc = self.keeper.proc();
        let sight = self.tasks[task].look(proc);
        sight.map_err(failed("look at a task"))
    }

    /// Takes a new task in, once it waits for its first call.
    fn adopt(&mut self, parent: usize, birth: &Birth) -> Result<(), ExecutorError> {
        self.keeper.wait_for(birth.slot)?;
        let parent_slot = self.tasks[parent].slot;
        // A parent that waits for its child has no result yet.
        let real = match self.tasks[parent].pending {
            Some(_) => self.keeper.tid(birth.slot),
            None => self.keeper.result(parent_slot) as i32,
        };
        let process = match birth.is_thread {
            true => self.tasks[parent].process,
            false => birth.pid,
        };
        self.names.add(birth.pid, real);
        let task = Task::new(birth.pid, process, real, birth.slot);
        self.tasks.push(task);
        Ok(())
    }

    /// Removes a task that has ended; a call it was in ends with it.
    fn bury(&mut self, task: usize) {
        let task = self.tasks.remove(task);
        if task.pending.is_some() {
            self.completions.push(Completion {
                ticket: LAST,
                pid: task.pid,
                outcome: Outcome::Gone,
            });
        }
        if task.pid != task.process {
            self.names.reaped(task.real);
        }
        self.keeper.free(task.slot);
    }

    /// After an exec: the caller is the only thread of its process, and has
    /// the process's number. Its own, if that was another, is gone.
    fn replace(&mut self, task: usize) -> Result<Outcome, ExecutorError> {
        let Task {
            pid, process, slot, ..
        } = self.tasks[task];
        let real = self.keeper.tid(slot);
        for other in (0..self.tasks.len()).rev() {
            let other_pid = self.tasks[other].pid;
            if self.tasks[other].process == process && self.tasks[other].slot != slot {
                if other_pid == process {
                    self.tasks[other].pending = None;
                }
                self.bury(other);
            }
        }
        if pid == process {
            return Ok(Outcome::Done(Ok(Return::value(0))));
        }
        let caller = self.tasks.iter().position(|task| task.pid == pid);
        let caller = caller.expect("the caller was not buried");
        self.names.reaped(self.tasks[caller].real);
        self.names.add(process, real);
        self.tasks[caller] = Task::new(process, process, real, slot);
        Ok(Outcome::Gone)
    }

    fn decode(
        &mut self,
        task: usize,
        pending: &Pending,
        value: i64,
    ) -> Result<Outcome, ExecutorError> {
        if value < 0 {
            let errno = u16::try_from(-value).ok().and_then(Errno::from_number);
            let errno = errno.ok_or(ExecutorError::UnknownErrno {
                pid: self.tasks[task].pid,
                number: -value,
            })?;
            return Ok(Outcome::Done(Err(errno)));
        }
        let region = self.keeper.region();
        let result = pending
            .reply
            .decode(value, pending.content, region, &|real| {
                self.names.script(real)
            });
        if matches!(pending.reply, Reply::Status(_)) && value > 0 {
            self.names.reaped(value as i32);
        }
        Ok(Outcome::Done(Ok(result)))
    }

    /// An exec'ed worker opens the region for a moment: whatever limit the
    /// script has set must not stop it. Gives the limit to be set again.
    fn raise_limit(&self, slot: Slot, call: &Syscall) -> Result<Option<u64>, ExecutorError> {
        if !matches!(call, Syscall::Execve) {
            return Ok(None);
        }
        let at = slot.at(GUARD - LIMIT_LEN);
        let args = [0, libc::RLIMIT_NOFILE.into(), 0, at.0];
        self.keeper.call_in(slot, libc::SYS_prlimit64, &args)?;
        let soft = u64::from_ne_bytes(self.keeper.region().read(at));
        if soft == self.hard_nofile {
            return Ok(None);
        }
        self.set_limit(slot, self.hard_nofile)?;
        Ok(Some(soft))
    }

    fn set_limit(&self, slot: Slot, soft: u64) -> Result<(), ExecutorError> {
        let at = slot.at(GUARD - LIMIT_LEN);
        let limit = [soft, self.hard_nofile].map(u64::to_ne_bytes);
        self.keeper.region().write(at, limit.as_flattened());
        let args = [0, libc::RLIMIT_NOFILE.into(), at.0, 0];
        self.keeper.call_in(slot, libc::SYS_prlimit64, &args)?;
        Ok(())
    }

    /// What a read's bytes will mean, while its descriptor is still open.
    fn content(&self, task: usize, reply: &Reply) -> Content {
        let Reply::Read(fd, _) = reply else {
            return Content::Bytes;
        };
        let link = self.keeper.proc().link(self.tasks[task].real, fd.0);
        link.map_or(Content::Bytes, |link| Content::of_link(&link))
    }

    fn too_slow(&self, pid: Pid, call: &str) -> ExecutorError {
        let task = self.tasks.iter().find(|task| task.pid == pid);
        let doing = task.map_or("gone".to_owned(), Task::tell);
        let call = call.to_owned();
        ExecutorError::TooSlow { pid, call, doing }
    }
}

/// A task to be.
#[derive(Debug)]
struct Birth {
    pid: Pid,
    slot: Slot,
    is_thread: bool,
}

/// What became of a call while it was watched.
#[derive(Debug)]
enum Watched {
    Done,
    Blocked,
    Gone,
}

/// What one look of a round found.
#[derive(Debug)]
enum Settled {
    /// It sleeps, as it should.
    Quiet,
    /// It will be somewhere else soon.
    Moving,
    /// Its call had ended.
    Returned,
    /// It has ended.
    Gone,
}
