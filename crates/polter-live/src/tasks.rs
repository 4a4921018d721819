//! The tasks of a script: its numbers for them, and the kernel's.

use crate::reply::{Content, Reply};
use crate::request::Waits;
use crate::sys::layout::Slot;
use crate::task_state::{Proc, TaskFiles, TaskState};
use eventpoll::Pid;
use std::io;

/// A number that no process has: above any `pid_max`.
const NOBODY: i32 = i32::MAX;

/// A living task.
#[derive(Debug)]
pub(crate) struct Task {
    /// The script's number.
    pub(crate) pid: Pid,
    /// The script's number of its process: its first thread.
    pub(crate) process: Pid,
    /// The kernel's number.
    pub(crate) real: i32,
    /// Its place in the region.
    pub(crate) slot: Slot,
    /// The call it sleeps in, if it does.
    pub(crate) pending: Option<Pending>,
    files: Option<TaskFiles>,
}

/// A call that has been handed over.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) nr: i64,
    pub(crate) waits: Waits,
    pub(crate) reply: Reply,
    pub(crate) content: Content,
}

impl Pending {
    /// Is this the sleep that the call is made for?
    pub(crate) fn is_blocked_at(&self, sight: TaskState) -> bool {
        match (self.waits, sight) {
            (Waits::Asleep, TaskState::Asleep { nr }) => nr == self.nr,
            (Waits::ForChild, TaskState::Asleep { nr } | TaskState::Uninterruptible { nr }) => {
                nr == self.nr
            }
            _ => false,
        }
    }
}

impl Task {
    /// A task that waits for its first call.
    pub(crate) fn new(pid: Pid, process: Pid, real: i32, slot: Slot) -> Task {
        Task {
            pid,
            process,
            real,
            slot,
            pending: None,
            files: None,
        }
    }

    /// Looks at what the task is doing.
    pub(crate) fn look(&mut self, proc: &Proc) -> io::Result<TaskState> {
        if self.files.is_none() {
            self.files = proc.task(self.real)?;
        }
        match &self.files {
            Some(files) => files.state(),
            None => Ok(TaskState::Gone),
        }
    }

    /// What the task is doing, for a person to read.
    pub(crate) fn tell(&self) -> String {
        match &self.files {
            Some(files) => files.tell(),
            None => "not looked at".to_owned(),
        }
    }
}

/// Every number a script has used.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    pid: Pid,
    real: i32,
    is_reaped: bool,
}

impl Names {
    /// Notes a new task's numbers.
    pub(crate) fn add(&mut self, pid: Pid, real: i32) {
        self.all.retain(|name| name.pid != pid);
        self.all.push(Name {
            pid,
            real,
            is_reaped: false,
        });
    }

    /// Notes that nothing is left of a task; the kernel may use its number again.
    pub(crate) fn reaped(&mut self, real: i32) {
        for name in &mut self.all {
            name.is_reaped |= name.real == real;
        }
    }

    /// Has the script used this number?
    pub(crate) fn knows(&self, pid: Pid) -> bool {
        self.all.iter().any(|name| name.pid == pid)
    }

    /// The kernel's number for an argument. Zero and below are no names, and
    /// stay; what the script has not made, the kernel shall not find.
    pub(crate) fn real(&self, pid: Pid) -> i32 {
        if pid.0 <= 0 {
            return pid.0;
        }
        let name = self.all.iter().find(|name| name.pid == pid);
        name.filter(|name| !name.is_reaped)
            .map_or(NOBODY, |name| name.real)
    }

    /// The script's number for a result.
    pub(crate) fn script(&self, real: i32) -> Option<Pid> {
        let name = self.all.iter().rev().find(|name| name.real == real);
        name.map(|name| name.pid)
    }
}
