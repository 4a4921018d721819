//! One call, from its request to its outcome.

use super::Executor;
use crate::backoff::Backoff;
use crate::error::ExecutorError;
use crate::keeper::RawCall;
use crate::reply::{Content, Reply};
use crate::request::{self, Request, Surroundings};
use crate::scratch::Scratch;
use crate::sys;
use crate::sys::abi;
use crate::sys::layout::{Address, GUARD, PAGE, Slot};
use crate::task_state::TaskState;
use crate::tasks::{Pending, Task};
use eventpoll::syscall::{Return, flags::CLONE_THREAD};
use eventpoll::{Errno, Outcome, Pid, Syscall};

/// `sizeof(struct rlimit64)`.
const LIMIT_LEN: u64 = 16;
impl Executor {
    /// Makes ready for the task that a call makes.
    pub(super) fn birth(
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

    pub(super) fn encode(
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
        };
        let mut memory = Scratch::new(self.keeper.region(), slot);
        request::encode(call, &mut memory, &around)
    }

    /// Hands the call over and watches its caller until the outcome is clear.
    pub(super) fn perform(
        &mut self,
        task: usize,
        call: &Syscall,
        request: Request,
        birth: Option<Birth>,
    ) -> Result<Outcome, ExecutorError> {
        let slot = self.tasks[task].slot;
        if request.needs_guard {
            let args = [slot.at(GUARD).0, PAGE, libc::PROT_NONE as u64];
            self.keeper.call_in(slot, libc::SYS_mprotect, &args)?;
        }
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
            self.replace(task);
            return Ok(Outcome::Done(Ok(Return::value(0))));
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
        let mut backoff = Backoff::new(self.time_limit);
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
            if sight == TaskState::Gone && !matches!(call, Syscall::Execve) {
                return Ok(Watched::Gone);
            }
            if pending.is_blocked_at(sight) && !self.keeper.is_done(slot) {
                return Ok(Watched::Blocked);
            }
            if !backoff.pause(self.keeper.region()) {
                return Err(self.too_slow(self.tasks[task].pid, &format!("{call:?}")));
            }
        }
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

    /// After an exec: the caller is the only thread of its process, and has
    /// the process's number. Its own, if that was another, is gone.
    /// Linux: `de_thread`.
    fn replace(&mut self, task: usize) {
        let Task {
            pid, process, slot, ..
        } = self.tasks[task];
        let real = self.keeper.tid(slot);
        for other in (0..self.tasks.len()).rev() {
            let Task {
                process: its,
                slot: at,
                ..
            } = self.tasks[other];
            if its == process && at != slot {
                self.bury(other);
            }
        }
        if pid != process {
            let caller = self.tasks.iter().position(|task| task.pid == pid);
            let caller = caller.expect("the caller was not buried");
            self.names.reaped(self.tasks[caller].real);
            self.names.add(process, real);
            self.tasks[caller] = Task::new(process, process, real, slot);
        }
    }

    pub(super) fn decode(
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

    /// An exec'ed worker opens the region for a moment: whatever limits the
    /// script has set must not stop it. Gives the limits to be set again.
    fn raise_limit(&self, slot: Slot, call: &Syscall) -> Result<Option<[u64; 2]>, ExecutorError> {
        if !matches!(call, Syscall::Execve) {
            return Ok(None);
        }
        let at = slot.at(GUARD - LIMIT_LEN);
        let args = [0, abi::RLIMIT_NOFILE, 0, at.0];
        self.keeper.call_in(slot, libc::SYS_prlimit64, &args)?;
        let region = self.keeper.region();
        let [soft, hard] = [at.0, at.0 + 8].map(|at| u64::from_ne_bytes(region.read(Address(at))));
        if soft == self.hard_nofile {
            return Ok(None);
        }
        // A hard limit that was lowered stays low, unless the worker may raise it.
        let all = [self.hard_nofile; 2];
        if self.set_limit(slot, all)? != 0 {
            self.set_limit(slot, [hard; 2])?;
        }
        Ok(Some([soft, hard]))
    }

    pub(super) fn set_limit(&self, slot: Slot, limit: [u64; 2]) -> Result<i64, ExecutorError> {
        let at = slot.at(GUARD - LIMIT_LEN);
        let limit = limit.map(u64::to_ne_bytes);
        self.keeper.region().write(at, limit.as_flattened());
        let args = [0, abi::RLIMIT_NOFILE, at.0, 0];
        self.keeper.call_in(slot, libc::SYS_prlimit64, &args)
    }

    /// What a read's bytes will mean, while its descriptor is still open.
    fn content(&self, task: usize, reply: &Reply) -> Content {
        let Reply::Read(fd, _) = reply else {
            return Content::Bytes;
        };
        let link = self.keeper.proc().link(self.tasks[task].real, fd.0);
        link.map_or(Content::Bytes, |link| Content::of_link(&link))
    }
}

/// A task to be.
#[derive(Debug)]
pub(super) struct Birth {
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
