//! Where a script runs: on the model, or on the running kernel.

use eventpoll::syscall::{PathKind, flags};
use eventpoll::{Fd, Kernel, Outcome, Pid, Policy, Syscall, Tid, Version};
use polter_live::{Executor, ExecutorError};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Something that executes calls for numbered tasks.
pub trait Backend {
    /// Performs a call. A task it makes is known as `child` from now on.
    fn call(
        &mut self,
        pid: Pid,
        call: &Syscall,
        child: Option<Pid>,
    ) -> Result<Outcome, ExecutorError>;

    /// The waiting calls that have ended since the last time.
    fn completions(&mut self) -> Result<Vec<(Pid, Outcome)>, ExecutorError>;

    /// Lets time pass until some waiting call ends, or none will.
    fn pass_time(&mut self) -> Result<(), ExecutorError>;

    /// Lets so much time pass, whatever happens.
    fn advance(&mut self, by: Duration) -> Result<(), ExecutorError>;

    /// What fdinfo says of a descriptor, as far as it can be told.
    fn fdinfo(&self, pid: Pid, fd: Fd) -> String;

    /// The version of Linux whose answers it gives.
    fn version(&self) -> Version;
}

/// A kernel of the model.
#[derive(Debug, Clone)]
pub struct Model {
    kernel: Kernel,
    version: Version,
    pids: BTreeMap<Tid, Pid>,
}

impl Model {
    /// How many alarms may go off before a waiting call is taken to wait for
    /// something else: a timer with an interval has no last one.
    const ALARMS: u32 = 1000;

    /// How long the machine has been up when a world begins: dates in the past are past.
    const UPTIME_NS: u64 = 1_000_000_000_000;

    /// A world with one process, which has `/dev/null` open at 0, 1 and 2.
    pub fn new(policy: Policy, version: Version, first: Pid) -> Model {
        let mut kernel = Kernel::new(policy).with_version(version);
        kernel.advance_to(Self::UPTIME_NS);
        let tid = kernel.spawn(first);
        kernel.call(
            tid,
            &Syscall::Open {
                path: PathKind::Null,
                flags: flags::O_RDWR,
            },
        );
        for _ in 1..3 {
            kernel.call(tid, &Syscall::Dup { fd: Fd(0) });
        }
        Model {
            kernel,
            version,
            pids: BTreeMap::from([(tid, first)]),
        }
    }

    /// The model itself.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Why the model's answer would be made up, if it would.
    pub fn unknown(&self, pid: Pid, call: &Syscall) -> Option<&'static str> {
        self.kernel.unknown(self.kernel.tid(pid)?, call)
    }

    /// The numbers under which a task has instances open.
    pub fn instances(&self, pid: Pid) -> Vec<Fd> {
        let open = self.kernel.tid(pid).map(|tid| self.kernel.fds(tid));
        let open = open.into_iter().flatten();
        let instances = open.filter(|(_, file, _)| self.kernel.epoll_of(*file).is_some());
        instances.map(|(fd, _, _)| fd).collect()
    }

    fn blocked(&self) -> usize {
        let tasks = self.kernel.tasks();
        tasks
            .filter(|(tid, _)| self.kernel.is_blocked(*tid))
            .count()
    }
}

impl Backend for Model {
    fn call(
        &mut self,
        pid: Pid,
        call: &Syscall,
        child: Option<Pid>,
    ) -> Result<Outcome, ExecutorError> {
        let Some(tid) = self.kernel.tid(pid) else {
            return Ok(Outcome::Gone);
        };
        if let Some(child) = child {
            self.kernel.dictate_pid(child);
        }
        let outcome = self.kernel.call(tid, call);
        for (tid, view) in self.kernel.tasks() {
            self.pids.insert(tid, view.pid);
        }
        Ok(outcome)
    }

    fn completions(&mut self) -> Result<Vec<(Pid, Outcome)>, ExecutorError> {
        let ended = self.kernel.drain_completions();
        Ok(ended
            .into_iter()
            .map(|(tid, outcome)| (self.pids[&tid], outcome))
            .collect())
    }

    fn pass_time(&mut self) -> Result<(), ExecutorError> {
        let waiting = self.blocked();
        for _ in 0..Self::ALARMS {
            let Some(date_ns) = self.kernel.next_alarm_ns() else {
                break;
            };
            self.kernel.advance_to(date_ns);
            if self.blocked() != waiting {
                break;
            }
        }
        Ok(())
    }

    fn advance(&mut self, by: Duration) -> Result<(), ExecutorError> {
        let by_ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let date_ns = self.kernel.now_ns().saturating_add(by_ns);
        self.kernel.advance_to(date_ns);
        Ok(())
    }

    fn fdinfo(&self, pid: Pid, fd: Fd) -> String {
        let Some(tid) = self.kernel.tid(pid) else {
            return String::new();
        };
        let epoll = self
            .kernel
            .fd(tid, fd)
            .and_then(|file| self.kernel.epoll_of(file));
        let rows = epoll
            .into_iter()
            .flat_map(|epoll| self.kernel.registrations(epoll));
        rows.map(|r| {
            format!(
                "tfd: {:8} events: {:8x} data: {:16x}\n",
                r.fd.0,
                r.event.events.bits(),
                r.event.data
            )
        })
        .collect()
    }

    fn version(&self) -> Version {
        self.version
    }
}

/// The kernel under us.
#[derive(Debug)]
pub struct Running {
    executor: Executor,
    version: Version,
}

impl Running {
    /// How long a waiting call may take to end.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// A fresh process, which has 0, 1 and 2 open.
    pub fn start(first: Pid) -> Result<Running, ExecutorError> {
        Ok(Running {
            executor: Executor::start(first)?,
            version: Running::release().parse().unwrap_or_default(),
        })
    }

    /// What uname(2) says of this kernel: `6.18.44-fc`.
    pub fn release() -> String {
        let path = "/proc/sys/kernel/osrelease";
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.trim_end().to_string()
    }

    /// Leaves the world behind for a fresh one.
    pub fn restart(&mut self, first: Pid) -> Result<(), ExecutorError> {
        self.executor.restart(first)
    }
}

impl Backend for Running {
    fn call(
        &mut self,
        pid: Pid,
        call: &Syscall,
        child: Option<Pid>,
    ) -> Result<Outcome, ExecutorError> {
        self.executor.call(pid, call, child)
    }

    fn completions(&mut self) -> Result<Vec<(Pid, Outcome)>, ExecutorError> {
        self.executor.drain_completions()
    }

    fn pass_time(&mut self) -> Result<(), ExecutorError> {
        let (start, waiting) = (Instant::now(), self.executor.blocked().count());
        while self.executor.blocked().count() == waiting && start.elapsed() < Self::PATIENCE {
            self.executor.advance(Duration::from_millis(5))?;
        }
        Ok(())
    }

    fn advance(&mut self, by: Duration) -> Result<(), ExecutorError> {
        self.executor.advance(by)
    }

    fn fdinfo(&self, pid: Pid, fd: Fd) -> String {
        self.executor.fdinfo(pid, fd).unwrap_or_default()
    }

    fn version(&self) -> Version {
        self.version
    }
}
