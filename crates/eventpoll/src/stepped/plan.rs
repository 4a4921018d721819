//! What does not change while calls are stepped: the programs, the rules, the names.

use super::{Rules, Stepped};
use crate::abi::{Buffer, SigMask, UserTimespec};
use crate::fs::FileKind;
use crate::store::{Fd, FileId, Pid, QueueId};
use crate::{Kernel, Policy, Syscall};
use std::collections::BTreeMap;
use std::fmt;

/// What one task does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its number. A task that is not there yet begins when some call has made it.
    pub pid: Pid,
    /// What it calls, one after the other; it ends with the last.
    pub calls: Vec<Syscall>,
    /// The numbers of the tasks that its calls make, by the call's index.
    pub children: Vec<(usize, Pid)>,
}

/// The programs, the rules, and what things are called.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) pids: Vec<Pid>,
    pub(super) programs: Vec<Vec<Syscall>>,
    pub(super) rules: Rules,
    /// The numbers of tasks that calls make, by caller and call.
    pub(super) children: BTreeMap<(usize, usize), Pid>,
    /// Queues that can go away before the files whose readers wait on them.
    pub(super) pollfree_queues: Vec<QueueId>,
    /// The tasks whose waits can come to the end of their time.
    pub(super) timers: Vec<usize>,
    /// What each wait queue belongs to.
    pub(super) queue_names: BTreeMap<QueueId, String>,
    /// What each file was called when the steps began.
    pub(super) names: BTreeMap<FileId, String>,
}

/// Why calls cannot be stepped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsuitable {
    /// The policy is not Linux's own.
    Policy,
    /// More tasks than can be told apart.
    TooManyTasks,
    /// A call with something that is not stepped.
    Call {
        /// The task whose program has the call.
        pid: Pid,
        /// Which of its calls.
        call: usize,
        /// What is not stepped: the call, or one of its arguments.
        what: &'static str,
    },
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsuitable::Policy => write!(f, "only Linux's own policy is stepped"),
            Unsuitable::TooManyTasks => {
                write!(f, "at most {} tasks are stepped", Stepped::MAX_TASKS)
            }
            Unsuitable::Call { pid, call, what } => {
                write!(f, "call {} of {pid}: {what} is not stepped", call + 1)
            }
        }
    }
}

impl std::error::Error for Unsuitable {}

impl Plan {
    pub(super) fn new(
        kernel: &Kernel,
        programs: Vec<Program>,
        rules: Rules,
    ) -> Result<Plan, Unsuitable> {
        if kernel.policy() != Policy::LAST_FPUT {
            return Err(Unsuitable::Policy);
        }
        if programs.len() > Stepped::MAX_TASKS {
            return Err(Unsuitable::TooManyTasks);
        }
        for Program { pid, calls, .. } in &programs {
            for (call, syscall) in calls.iter().enumerate() {
                if let Some(what) = not_stepped(kernel, &programs, *pid, syscall) {
                    let pid = *pid;
                    return Err(Unsuitable::Call { pid, call, what });
                }
            }
        }
        Ok(Plan {
            pollfree_queues: kernel.sighands.iter().map(|(_, s)| s.queue).collect(),
            queue_names: queue_names(kernel),
            timers: timers(&programs),
            names: names(kernel),
            children: children(&programs),
            rules,
            pids: programs.iter().map(|program| program.pid).collect(),
            programs: programs.into_iter().map(|program| program.calls).collect(),
        })
    }
}

fn children(programs: &[Program]) -> BTreeMap<(usize, usize), Pid> {
    let numbered = programs.iter().enumerate();
    let children = numbered.flat_map(|(task, program)| {
        let children = program.children.iter();
        children.map(move |(call, pid)| ((task, *call), *pid))
    });
    children.collect()
}

/// What of a call cannot be stepped.
fn not_stepped(
    kernel: &Kernel,
    programs: &[Program],
    pid: Pid,
    call: &Syscall,
) -> Option<&'static str> {
    match call {
        Syscall::EpollWait { buffer, .. }
        | Syscall::EpollPwait { buffer, .. }
        | Syscall::EpollPwait2 { buffer, .. }
            if *buffer != Buffer::Mapped =>
        {
            Some("a buffer that faults")
        }
        Syscall::EpollPwait { mask, .. } | Syscall::EpollPwait2 { mask, .. }
            if *mask != SigMask::Null =>
        {
            Some("a signal mask")
        }
        Syscall::ExitGroup { .. } | Syscall::Execve if has_siblings(kernel, programs, pid) => {
            Some("the end of other threads")
        }
        Syscall::Execve | Syscall::CloseRange { .. } => Some("closing many numbers at once"),
        Syscall::Vfork => Some("vfork"),
        _ => None,
    }
}

/// Another task of the same process is stepped as well.
fn has_siblings(kernel: &Kernel, programs: &[Program], pid: Pid) -> bool {
    let process = |pid| kernel.tid(pid).map(|tid| kernel.process_pid(tid));
    let others = programs.iter().map(|program| program.pid);
    let mut others = others.filter(|other| *other != pid);
    others.any(|other| process(other).is_some() && process(other) == process(pid))
}

/// The tasks with a wait for a limited time.
fn timers(programs: &[Program]) -> Vec<usize> {
    let is_limited = |call: &Syscall| match call {
        Syscall::EpollWait { timeout_ms, .. } | Syscall::EpollPwait { timeout_ms, .. } => {
            *timeout_ms > 0
        }
        Syscall::EpollPwait2 { timeout, .. } => {
            matches!(timeout, UserTimespec::Time { sec, nsec } if *sec > 0 || *nsec > 0)
        }
        _ => false,
    };
    let numbered = programs.iter().enumerate();
    numbered
        .filter(|(_, program)| program.calls.iter().any(is_limited))
        .map(|(task, _)| task)
        .collect()
}

/// Each queue with the file or the task it belongs to.
fn queue_names(kernel: &Kernel) -> BTreeMap<QueueId, String> {
    let mut queues = BTreeMap::new();
    for (tid, task) in kernel.tasks.iter() {
        let queue = kernel.sighand_of(tid).queue;
        queues.insert(queue, format!("the signalfd queue of task {}", task.pid));
    }
    for (file, name) in names(kernel) {
        let tid = kernel.tasks.iter().next().map(|(tid, _)| tid);
        let queue = tid.and_then(|tid| kernel.wait_queue_of(file, tid));
        if let Some(queue) = queue {
            let text = || format!("the wait queue of {name}");
            queues.entry(queue).or_insert_with(text);
        }
    }
    queues
}

/// Each file's first number, with its kind: `eventfd 4`.
fn names(kernel: &Kernel) -> BTreeMap<FileId, String> {
    let mut names = BTreeMap::new();
    for (_, table) in kernel.tables.iter() {
        for (fd, slot) in table.iter() {
            let name = || name(kernel, fd, slot.file);
            names.entry(slot.file).or_insert_with(name);
        }
    }
    names
}

fn name(kernel: &Kernel, fd: Fd, file: FileId) -> String {
    let kind = match kernel.files[file].kind {
        FileKind::Opaque(_) | FileKind::Custom(..) => "file",
        FileKind::Pipe { .. } => "pipe",
        FileKind::Eventfd(_) => "eventfd",
        FileKind::Timerfd(_) => "timerfd",
        FileKind::Signalfd { .. } => "signalfd",
        FileKind::Socket(_) => "socket",
        FileKind::Epoll(_) => "epoll",
        FileKind::Pidfd { .. } => "pidfd",
        FileKind::Ring { .. } => "io_uring",
        FileKind::Device(_) => "device",
        FileKind::Buffer(_) => "dma-buf",
    };
    format!("{kind} {fd}")
}
